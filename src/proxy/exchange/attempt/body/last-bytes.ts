// The last bytes of a body, whatever the pieces in which it comes.

/** Keeps so many of them; those that never came are line feeds. */
export class LastBytes {
  readonly #kept: Buffer;

  constructor(bytes: number) {
    this.#kept = Buffer.alloc(bytes, '\n');
  }

  take(chunk: Buffer): void {
    const before = Math.max(0, this.#kept.length - chunk.length);
    if (before > 0) this.#kept.copyWithin(0, this.#kept.length - before);
    chunk.copy(this.#kept, before, Math.max(0, chunk.length - this.#kept.length));
  }

  /** One character a byte. */
  get text(): string {
    return this.#kept.toString('latin1');
  }
}
