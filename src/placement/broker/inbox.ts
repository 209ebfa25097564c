// Messages on their way from the broker to the cache. They are taken off the wire at once, since a broker drops what a slow
// reader of QoS 0 leaves standing, and handled in slices, so that thousands of them do not hold up the traffic.

import { setImmediate } from 'node:timers';

/** A message of the broker, as it came; `retained`: out of its memory. */
export interface InboxMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retained: boolean;
}

/** The event loop is held by messages that come, and by messages that are handled, this long before all else has its turn, ms. */
const SLICE_MS = 10;
/**
 * What waits at the most; beyond it nothing more is read. A few slices' worth: what waits for longer outlives the young generation
 * of the heap, and 8 MiB of it made garbage collections of 60 ms. The buffers of the two sockets hold thousands of messages more.
 */
const WAITING_BYTES_MAX = 1024 * 1024;
/** What a message costs besides its topic and payload, roughly. */
const OVERHEAD_BYTES = 256;

interface Entry {
  readonly bytes: number;
  readonly run: () => void;
}

export class Inbox {
  readonly #handle: (message: InboxMessage) => void;
  readonly #onFailure: (topic: string, error: unknown) => void;
  #waiting: Entry[] = [];
  #bytes = 0;
  #scheduled = false;
  /** When the first came in this turn of the event loop; null before. */
  #firstCameMs: number | null = null;
  /** Goes on reading once there is room. */
  #onRoom: (() => void) | null = null;

  /** `onFailure`: what `handle` threw. It ends that message and nothing else. */
  constructor(handle: (message: InboxMessage) => void, onFailure: (topic: string, error: unknown) => void) {
    this.#handle = handle;
    this.#onFailure = onFailure;
  }

  put(message: InboxMessage): void {
    const bytes = message.topic.length + message.payload.length + OVERHEAD_BYTES;
    this.#waiting.push({ bytes, run: () => this.#take(message) });
    this.#bytes += bytes;
    this.#firstCameMs ??= performance.now();
    this.#schedule();
  }

  /** Runs behind the messages that came before: at once where none waits. */
  behind(run: () => void): void {
    if (this.#waiting.length === 0) run();
    else this.#waiting.push({ bytes: 0, run });
  }

  /**
   * Calls back when another message may come: at once, most often. One read of a socket holds hundreds, and in one turn there
   * may be dozens of reads.
   */
  whenRoom(onRoom: () => void): void {
    const turnIsOver = this.#firstCameMs !== null && performance.now() - this.#firstCameMs >= SLICE_MS;
    if (this.#bytes < WAITING_BYTES_MAX && !turnIsOver) onRoom();
    else this.#onRoom = onRoom;
  }

  #take(message: InboxMessage): void {
    try {
      this.#handle(message);
    } catch (error) {
      this.#onFailure(message.topic, error);
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#handleSlice();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #handleSlice(): void {
    const endMs = performance.now() + SLICE_MS;
    let handled = 0;
    for (const { bytes, run } of this.#waiting) {
      handled++;
      this.#bytes -= bytes;
      run();
      if (performance.now() >= endMs) break;
    }
    // Moved up in one go: an array that loses its first element again and again is copied each time.
    this.#waiting = this.#waiting.slice(handled);
    this.#firstCameMs = null;
    const onRoom = this.#onRoom;
    if (onRoom === null || this.#bytes >= WAITING_BYTES_MAX) return;
    this.#onRoom = null;
    onRoom();
  }
}
