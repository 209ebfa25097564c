// What a peer may send, on a stream or on all of them (RFC 9113 section 5.2). What is read is given back in halves of the window, so that
// not every frame costs a WINDOW_UPDATE.

/** The window of a stream or of a connection, bytes. */
export class ReceiveWindow {
  readonly #creditBytes: number;
  #left: number;
  #owed = 0;

  /** `bytes`: at the beginning, and the most at any time. */
  constructor(bytes: number) {
    this.#left = bytes;
    this.#creditBytes = bytes >>> 1;
  }

  /** What the peer may send before it hears more. */
  get left(): number {
    return this.#left;
  }

  /** A DATA frame came. False: it is larger than what is left. */
  take(bytes: number): boolean {
    this.#left -= bytes;
    if (this.#left < 0) return false;
    this.#owed += bytes;
    return true;
  }

  /** What came is read: the bytes of a WINDOW_UPDATE that is due; 0 while they are few. */
  giveBack(): number {
    const owed = this.#owed;
    if (owed < this.#creditBytes) return 0;
    this.#left += owed;
    this.#owed = 0;
    return owed;
  }
}
