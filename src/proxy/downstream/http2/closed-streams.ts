// The streams that ended last. What still comes on one that was reset here crossed on the wire and is nothing but late, up to what the
// window of the stream had left; on others it is an error (RFC 9113 section 5.1, "closed").

/** Twice the streams that may be open at once. */
const REMEMBERED = 512;

export class ClosedStreams {
  /** Ids of the last streams, in a ring; below zero where the stream was reset here. Null before the first. */
  #ids: Int32Array | null = null;
  #next = 0;
  /** Bytes that may still come on streams that are not looked at any more. */
  #lateBytes = 0;

  add(id: number, resetHere: boolean): void {
    this.#ids ??= new Int32Array(REMEMBERED);
    this.#ids[this.#next] = resetHere ? -id : id;
    this.#next = (this.#next + 1) % REMEMBERED;
  }

  /** It was open, and ended not long ago. */
  has(id: number): boolean {
    return this.#ids?.includes(id) === true || this.wasReset(id);
  }

  /** It ended by a reset from here, not long ago. */
  wasReset(id: number): boolean {
    return this.#ids?.includes(-id) === true;
  }

  /** So many `bytes` may still come on a stream that is not looked at any more. */
  expect(bytes: number): void {
    this.#lateBytes += bytes;
  }

  /** They came. False: they are more than what may come. */
  take(bytes: number): boolean {
    this.#lateBytes -= bytes;
    return this.#lateBytes >= 0;
  }
}
