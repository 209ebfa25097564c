// Bodies that come in tiny pieces (chunks, DATA frames or TLS records of one byte). Each piece would be a buffer, an event and a
// write of its own: a hundred times the memory and the time of what it holds. Pieces that come within one turn of the event loop
// enter their stream as one. A stream with too many of them is read again when its share of the event loop (loop-share.ts) lets it.

import type { Readable } from 'node:stream';
import { LoopShare } from './loop-share.ts';

/** A piece from here on is not tiny: it is passed on as it is, uncopied. */
const LARGE_BYTES = 4096;
/**
 * What tiny pieces are gathered in: it doubles as it fills. A turn brings most streams a few hundred bytes, and a thousand streams may
 * gather at once.
 */
const GATHER_BYTES_MIN = 256;
const GATHER_BYTES_MAX = 16 * 1024;
/** A stream may bring this many tiny pieces a turn before it has to wait. */
const PIECES_MAX = 64;
/** What the next pieces will cost is not known before they are here: as many as the last time, a record of TLS each. */
const PIECE_MS = 0.005;

/**
 * The pieces of `readable`, whose source calls `push` and stops when it returns false, are gathered from now on, until the function
 * that is returned is called.
 */
export function gatherPieces(readable: Readable): () => void {
  const gatherer = new PieceGatherer(readable);
  readable.push = (chunk: Buffer | null): boolean => gatherer.take(chunk);
  return () => gatherer.stop();
}

class PieceGatherer {
  readonly #readable: Readable;
  readonly #push: (chunk: Buffer | null) => boolean;
  readonly #read: (size: number) => void;
  #gathered: Buffer | null = null;
  #bytes = 0;
  /** Pieces of this turn, the first not counted. */
  #pieces = 0;
  #inTurn = false;
  /** Null until there were too many pieces in a turn: from then on the stream is read when its share lets it. */
  #share: LoopShare | null = null;
  #stopped = false;
  /** The stream asked for more while it was stopped. */
  #asked = false;
  /** Nothing is gathered any more. */
  #over = false;

  constructor(readable: Readable) {
    this.#readable = readable;
    this.#push = readable.push.bind(readable);
    this.#read = readable._read.bind(readable);
    // A stream that passes something on asks its source for more in the tick behind, and not again before more came.
    readable._read = (size) => {
      this.#asked = this.#stopped;
      if (!this.#stopped) this.#read(size);
    };
  }

  /** Null: the end. False: no more for now. */
  take(chunk: Buffer | null): boolean {
    const isTiny = chunk !== null && chunk.length < LARGE_BYTES;
    if (!isTiny || this.#bytes + chunk.length > GATHER_BYTES_MAX) this.#flush();
    // By what was gathered the stream may have got another owner, which is to have this behind it.
    if (this.#over) return this.#readable.push(chunk);
    if (!isTiny) return this.#push(chunk);
    if (!this.#inTurn) {
      // Most often it is the only one, and must not wait.
      this.#inTurn = true;
      atEndOfTurn(this);
      return this.#push(chunk);
    }
    this.#gather(chunk);
    this.#pieces++;
    this.#stopped ||= this.#pieces > PIECES_MAX;
    return !this.#stopped;
  }

  /** What was gathered goes on, or waits with its source. */
  endTurn(): void {
    if (this.#stopped) {
      this.#share ??= new LoopShare(() => this.#goOn());
      this.#share.wait();
    } else {
      this.#beginTurn();
    }
  }

  /** `push` and `_read` are what they were before. What was gathered goes on. */
  stop(): void {
    const readable = this.#readable;
    this.#over = true;
    readable.push = this.#push;
    readable._read = this.#read;
    if (this.#stopped) this.#goOn();
    else this.#flush();
  }

  /** What was gathered goes on, and the source as well. */
  #goOn(): void {
    const readable = this.#readable;
    this.#share?.use(this.#pieces * PIECE_MS);
    this.#beginTurn();
    const asked = this.#asked || readable.readableLength < readable.readableHighWaterMark;
    this.#asked = false;
    if (asked && !readable.destroyed) this.#read(0);
  }

  #beginTurn(): void {
    this.#inTurn = false;
    this.#stopped = false;
    this.#pieces = 0;
    this.#flush();
  }

  #gather(chunk: Buffer): void {
    const bytes = this.#bytes + chunk.length;
    if (this.#gathered === null || bytes > this.#gathered.length) this.#gathered = grown(this.#gathered, bytes);
    chunk.copy(this.#gathered, this.#bytes);
    this.#bytes = bytes;
  }

  #flush(): void {
    const gathered = this.#gathered;
    if (gathered === null) return;
    const bytes = this.#bytes;
    this.#gathered = null;
    this.#bytes = 0;
    if (!this.#readable.destroyed) this.#push(gathered.subarray(0, bytes));
  }
}

/** A buffer for `bytes`, at the least twice as long as `gathered`, with what that holds. */
function grown(gathered: Buffer | null, bytes: number): Buffer {
  let length = GATHER_BYTES_MIN;
  while (length < bytes) length *= 2;
  const larger = Buffer.allocUnsafeSlow(length);
  gathered?.copy(larger);
  return larger;
}

/** The gatherers of this event loop that were brought pieces in this turn. */
let current: PieceGatherer[] = [];

function atEndOfTurn(gatherer: PieceGatherer): void {
  if (current.push(gatherer) === 1) setImmediate(endTurn);
}

function endTurn(): void {
  const gatherers = current;
  current = [];
  for (const gatherer of gatherers) gatherer.endTurn();
}
