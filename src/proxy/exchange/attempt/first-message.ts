// Where the first message of a gRPC answer ends: five bytes (a flag and a length), then the message ("Length-Prefixed-Message").
// A unary answer is there with it, and a stream has begun.

const PREFIX_BYTES = 5;

export class FirstMessage {
  #prefix = 0;
  #length = 0;
  #bytes = 0;

  /** Takes the next piece of the body; true once the message is whole. */
  take(chunk: Uint8Array): boolean {
    let at = 0;
    for (; at < chunk.length && this.#prefix < PREFIX_BYTES; at++) {
      if (this.#prefix > 0) this.#length = this.#length * 256 + (chunk[at] ?? 0);
      this.#prefix++;
    }
    this.#bytes += chunk.length - at;
    return this.#prefix === PREFIX_BYTES && this.#bytes >= this.#length;
  }
}
