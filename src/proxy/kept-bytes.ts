// Bytes of a body that are kept until it is sent, or sent again. They cost about what they hold, however small the pieces are
// that they come in: small ones are copied together.

/** Pieces from here on are kept as they are. */
const LARGE_BYTES = 4096;
/** Blocks for small pieces, the first and the largest. */
const BLOCK_BYTES_MIN = 256;
const BLOCK_BYTES_MAX = 16 * 1024;

/** Chunks in their order, as one buffer when all are there. */
export class KeptBytes {
  #length = 0;
  readonly #sealed: Buffer[] = [];
  /** Small pieces are copied in here. */
  #block: Buffer | null = null;
  #blockBytes = 0;

  /** The number of bytes kept. */
  get length(): number {
    return this.#length;
  }

  add(piece: Buffer): void {
    const first = this.#length === 0;
    this.#length += piece.length;
    // A body that comes whole, and nearly all do, is not copied; a few bytes must not keep a whole read.
    if (piece.length >= LARGE_BYTES || (first && piece.length * 4 >= piece.buffer.byteLength)) {
      this.#seal();
      this.#sealed.push(piece);
    } else {
      this.#copy(piece);
    }
  }

  /** Returns the pieces in order; they must not be written to. */
  pieces(): readonly Buffer[] {
    this.#seal();
    return this.#sealed;
  }

  /** Returns all bytes in one piece. */
  whole(): Buffer {
    const [first, ...more] = this.pieces();
    if (first !== undefined && more.length === 0) return first;
    return Buffer.concat(this.#sealed, this.#length);
  }

  clear(): void {
    this.#length = 0;
    this.#sealed.length = 0;
    this.#block = null;
    this.#blockBytes = 0;
  }

  #copy(piece: Buffer): void {
    if (this.#block !== null && this.#blockBytes + piece.length > this.#block.length) this.#seal();
    if (this.#block === null) {
      const bytes = Math.min(BLOCK_BYTES_MAX, Math.max(BLOCK_BYTES_MIN, this.#length));
      this.#block = Buffer.allocUnsafeSlow(bytes);
    }
    piece.copy(this.#block, this.#blockBytes);
    this.#blockBytes += piece.length;
  }

  #seal(): void {
    if (this.#block === null) return;
    this.#sealed.push(this.#block.subarray(0, this.#blockBytes));
    this.#block = null;
    this.#blockBytes = 0;
  }
}
