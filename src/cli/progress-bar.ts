// A line at the bottom of the terminal: how far a simulation is, or what is being tried. It is written over in place, and removed at
// the end.

import type { Progress } from '../sim/experiment.ts';
import { truncate } from '../terminal/columns.ts';
import { widthOf } from '../terminal/paint.ts';

const BAR_WIDTH = 30;
const BEGIN_AGAIN = '\r\x1b[K';

/** One line of the stream, written over in place. */
export class ProgressBar {
  readonly #stream: NodeJS.WriteStream;
  #shown = '';

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  show({ ratio, policy, seed }: Progress): void {
    const filled = Math.round(ratio * BAR_WIDTH);
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
    const percent = Math.round(100 * ratio).toString();
    this.note(`${bar} ${percent.padStart(3)} %  ${policy}, seed ${seed}`);
  }

  /** In words, where nothing says how much there is to do. */
  note(text: string): void {
    // A line that wraps could not be written over: the cursor stays within the last column.
    const line = truncate(text, widthOf(this.#stream) - 1);
    if (line === this.#shown) return;
    this.#shown = line;
    this.#stream.write(BEGIN_AGAIN + line);
  }

  clear(): void {
    if (this.#shown === '') return;
    this.#shown = '';
    this.#stream.write(BEGIN_AGAIN);
  }
}
