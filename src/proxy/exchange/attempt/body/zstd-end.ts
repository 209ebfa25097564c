// Where a body in Zstandard ends: after the last block of a frame, by the lengths of frames and blocks (RFC 8878 section 3.1). Nothing is
// decompressed.

const MAGIC = 0xfd2fb528;
/** Sixteen magic numbers whose frames a decoder skips. */
const SKIPPABLE = 0x184d2a5;
const MAGIC_BYTES = 4;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
/** A block of one byte, repeated. */
const RLE = 1;

/** Bytes of fields in the frame's header, indexed by the two bits that say so. */
const DICTIONARY_BYTES = [0, 1, 2, 4];
const SIZE_BYTES = [0, 2, 4, 8];

export class ZstdEnd {
  /** What is read next: a number of `#bytes` bytes, after `#skip` others. */
  #step: 'magic' | 'skippable' | 'descriptor' | 'block' = 'magic';
  #bytes = MAGIC_BYTES;
  #skip = 0;
  #read = 0;
  #value = 0;
  #hasChecksum = false;
  /** It is none of this format, so that its end is not known. */
  #foreign = false;

  take(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#foreign) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
        continue;
      }
      this.#value += (chunk[at++] ?? 0) * 256 ** this.#read;
      if (++this.#read < this.#bytes) continue;
      const value = this.#value;
      this.#read = 0;
      this.#value = 0;
      this.#takeNumber(value);
    }
  }

  get truncated(): boolean {
    return !this.#foreign && (this.#step !== 'magic' || this.#read > 0 || this.#skip > 0);
  }

  #takeNumber(value: number): void {
    switch (this.#step) {
      case 'magic':
        if (value === MAGIC) this.#next('descriptor', 1, 0);
        else if (value >>> 4 === SKIPPABLE) this.#next('skippable', 4, 0);
        else this.#foreign = true;
        break;
      case 'skippable':
        this.#next('magic', MAGIC_BYTES, value);
        break;
      case 'descriptor':
        this.#takeDescriptor(value);
        break;
      case 'block':
        this.#takeBlock(value);
    }
  }

  #takeDescriptor(value: number): void {
    const isSingle = (value & 0x20) !== 0;
    this.#hasChecksum = (value & 0x04) !== 0;
    const sizeBytes = SIZE_BYTES[value >>> 6] ?? 0;
    const windowBytes = isSingle ? 0 : 1;
    const dictionaryBytes = DICTIONARY_BYTES[value & 3] ?? 0;
    this.#next(
      'block',
      BLOCK_HEADER_BYTES,
      windowBytes + dictionaryBytes + (isSingle ? Math.max(1, sizeBytes) : sizeBytes),
    );
  }

  #takeBlock(value: number): void {
    const isLast = (value & 1) !== 0;
    const bytes = ((value >>> 1) & 3) === RLE ? 1 : value >>> 3;
    if (isLast) this.#next('magic', MAGIC_BYTES, bytes + (this.#hasChecksum ? CHECKSUM_BYTES : 0));
    else this.#next('block', BLOCK_HEADER_BYTES, bytes);
  }

  #next(step: 'magic' | 'skippable' | 'descriptor' | 'block', bytes: number, skip: number): void {
    this.#step = step;
    this.#bytes = bytes;
    this.#skip = skip;
  }
}
