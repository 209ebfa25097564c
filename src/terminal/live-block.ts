// A block of lines that is rewritten in place at the end of what was printed before; the scrollback stays whole.

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const CLEAR_ALL = '\x1b[2J\x1b[H';

/** Used where the terminal reports no size. */
const COLUMNS_DEFAULT = 100;
const ROWS_DEFAULT = 40;

/** Lines at the bottom of a terminal that are written over in place. Hides the cursor until it ends. */
export class LiveBlock {
  readonly #stream: NodeJS.WriteStream;
  readonly #onResize = (): void => {
    this.#resized = true;
  };
  readonly #showCursor = (): void => {
    this.#stream.write(SHOW_CURSOR);
  };
  #shownLines = 0;
  #resized = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    stream.on('resize', this.#onResize);
    // However the process ends, what is typed afterwards is shown.
    process.once('exit', this.#showCursor);
    stream.write(HIDE_CURSOR);
  }

  get columns(): number {
    return this.#stream.columns || COLUMNS_DEFAULT;
  }

  /** One less than the terminal has: the cursor rests below the block. */
  get rows(): number {
    return (this.#stream.rows || ROWS_DEFAULT) - 1;
  }

  /** Replaces the block. Lines must fit `columns` and `rows`. */
  draw(lines: readonly string[]): void {
    const text = lines.map((line) => `${line}${CLEAR_LINE_END}\n`).join('');
    // Wrapped lines of another width cannot be found again: begin on an empty screen.
    const back = this.#resized ? CLEAR_ALL : this.#shownLines > 0 ? `\x1b[${this.#shownLines}A\r` : '';
    this.#stream.write(`${back}${text}${CLEAR_BELOW}`);
    this.#shownLines = lines.length;
    this.#resized = false;
  }

  /** Leaves the block where it is and the terminal as it was found. */
  end(): void {
    this.#stream.off('resize', this.#onResize);
    process.off('exit', this.#showCursor);
    this.#showCursor();
  }
}
