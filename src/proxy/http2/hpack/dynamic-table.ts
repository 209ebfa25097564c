// The dynamic table of a decoder (RFC 7541 section 2.3.2): the newest entry comes first, the oldest make room.

import { type HpackField, sizeOf } from './field.ts';

/** The default of SETTINGS_HEADER_TABLE_SIZE, which is never changed here. */
export const TABLE_BYTES_MAX = 4096;

export class DynamicTable {
  /** The newest is the last. */
  #entries: HpackField[] = [];
  /** Those in front of it are evicted. */
  #oldest = 0;
  #bytes = 0;
  #bytesMax = TABLE_BYTES_MAX;

  /** Returns the entry at this distance from the newest; undefined when there is none. */
  at(index: number): HpackField | undefined {
    const place = this.#entries.length - 1 - index;
    return place < this.#oldest ? undefined : this.#entries[place];
  }

  /** RFC 7541 section 4.4: one that is larger than the table empties it. */
  add(field: HpackField): void {
    const bytes = sizeOf(field);
    this.#evict(this.#bytesMax - bytes);
    if (bytes > this.#bytesMax) return;
    this.#entries.push(field);
    this.#bytes += bytes;
  }

  /** RFC 7541 section 4.3. */
  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#evict(bytesMax);
  }

  #evict(bytesMax: number): void {
    while (this.#bytes > bytesMax && this.#oldest < this.#entries.length) {
      const field = this.#entries[this.#oldest++];
      if (field !== undefined) this.#bytes -= sizeOf(field);
    }
    // Not with each: to move what is left costs as much as what is gone.
    if (this.#oldest * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#oldest);
      this.#oldest = 0;
    }
  }
}
