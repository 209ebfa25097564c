// Field blocks of one peer, decoded (RFC 7541 sections 3 and 6). What lies beyond the limit of a list is read, since later blocks
// may refer to it, and not kept.

import { ConnectionError, ErrorCode } from '../frames.ts';
import { DynamicTable, TABLE_BYTES_MAX } from './dynamic-table.ts';
import { type HpackField, hpackField, sizeOf } from './field.ts';
import { decodeHuffman } from './huffman.ts';
import { STATIC_TABLE } from './static-table.ts';

const INDEXED = 0x80;
const INCREMENTAL = 0x40;
const SIZE_UPDATE = 0x20;
const HUFFMAN = 0x80;
/** Larger than any valid integer: an index, a length, the size of a table. */
const INTEGER_MAX = 2 ** 28;

/** Reads the blocks of one connection, each once and in their order. */
export class HpackDecoder {
  readonly #table = new DynamicTable();
  #block: Buffer = Buffer.alloc(0);
  #at = 0;
  /** The last list had more than it may have; what lies beyond is missing. */
  tooLarge = false;

  /** The fields of a whole block, up to `bytesMax` as RFC 9113 section 6.5.2 counts them. Throws `ConnectionError`. */
  decode(block: Buffer, bytesMax: number): readonly HpackField[] {
    const fields: HpackField[] = [];
    let bytes = 0;
    this.#block = block;
    this.#at = 0;
    this.#readSizeUpdates();
    while (this.#at < block.length) {
      const field = this.#readField(block[this.#at] ?? 0);
      bytes += sizeOf(field);
      if (bytes <= bytesMax) fields.push(field);
    }
    this.tooLarge = bytes > bytesMax;
    return fields;
  }

  /** RFC 7541 section 4.2: only in front of the fields. */
  #readSizeUpdates(): void {
    while (((this.#block[this.#at] ?? 0) & 0xe0) === SIZE_UPDATE) {
      const bytesMax = this.#readInteger(5);
      if (bytesMax > TABLE_BYTES_MAX) throw broken('a table beyond its limit');
      this.#table.resize(bytesMax);
    }
  }

  #readField(first: number): HpackField {
    if ((first & INDEXED) !== 0) return this.#entry(this.#readInteger(7));
    const indexed = (first & INCREMENTAL) !== 0;
    if (!indexed && (first & SIZE_UPDATE) !== 0) throw broken('a change of the table behind a field');
    const index = this.#readInteger(indexed ? 6 : 4);
    const name = index === 0 ? this.#readString() : this.#entry(index).name;
    const field = hpackField(name, this.#readString());
    if (indexed) this.#table.add(field);
    return field;
  }

  /** RFC 7541 section 2.3.3. */
  #entry(index: number): HpackField {
    const field = STATIC_TABLE[index - 1] ?? this.#table.at(index - 1 - STATIC_TABLE.length);
    if (index === 0 || field === undefined) throw broken(`no entry ${index}`);
    return field;
  }

  /** RFC 7541 section 5.1. */
  #readInteger(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = (this.#block[this.#at++] ?? 0) & mask;
    if (value < mask) return value;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#block[this.#at++];
      if (byte === undefined) throw broken('an integer without its end');
      value += (byte & 0x7f) * 2 ** shift;
      if (value > INTEGER_MAX || shift > 28) throw broken('an integer beyond all limits');
      if ((byte & 0x80) === 0) return value;
    }
  }

  /** RFC 7541 section 5.2. */
  #readString(): string {
    const huffman = ((this.#block[this.#at] ?? 0) & HUFFMAN) !== 0;
    if (this.#at >= this.#block.length) throw broken('a string without its length');
    const length = this.#readInteger(7);
    const from = this.#at;
    const to = from + length;
    if (to > this.#block.length) throw broken('a string without its end');
    this.#at = to;
    if (!huffman) return this.#block.toString('latin1', from, to);
    const text = decodeHuffman(this.#block, from, to);
    if (text === null) throw broken('an invalid Huffman code');
    return text;
  }
}

function broken(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.compressionError, message);
}
