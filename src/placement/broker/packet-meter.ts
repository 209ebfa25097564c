// Where MQTT packets begin and end in a stream of bytes (MQTT 5, 1.5.5 and 2.1), and how long each says that it is, before
// any of it is kept: the parser collects a packet until it is whole, and one may say that it has 256 MB.

export class PacketMeter {
  readonly #bytesMax: number;
  /** Still to come of the packet that is under way. */
  #restBytes = 0;
  /** The length field so far, and what its next digit is worth; null between packets. */
  #length: { bytes: number; factor: number } | null = null;

  /** `bytesMax`: of a packet without its fixed header. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Takes the next bytes in; returns the length of the first packet among them that is too long, or null. */
  feed(bytes: Uint8Array): number | null {
    for (let at = 0; at < bytes.length; ) {
      if (this.#restBytes > 0) {
        const taken = Math.min(this.#restBytes, bytes.length - at);
        this.#restBytes -= taken;
        at += taken;
      } else {
        this.#readHeader(bytes[at++] as number);
        if (this.#restBytes > this.#bytesMax) return this.#restBytes;
      }
    }
    return null;
  }

  /** One byte of a fixed header: the type, then up to four digits to the base of 128. */
  #readHeader(byte: number): void {
    if (this.#length === null) {
      this.#length = { bytes: 0, factor: 1 };
      return;
    }
    this.#length.bytes += (byte & 0x7f) * this.#length.factor;
    this.#length.factor *= 128;
    // The length has four digits at the most: a fifth is malformed, and the parser's to refuse.
    if ((byte & 0x80) !== 0 && this.#length.factor < 128 ** 4) return;
    this.#restBytes = this.#length.bytes;
    this.#length = null;
  }
}
