// Bodies that come in tiny pieces (chunks, DATA frames or TLS records of one byte). Each piece would be a buffer, an event and a
// write of its own: a hundred times the memory and the time of what it holds. Pieces that come within one turn of the event loop
// enter their stream as one. A stream with too many of them is not read again before its turn: all such streams together get a
// fixed share of each turn.

import type { Readable } from 'node:stream';

/** A piece from here on is not tiny: it is passed on as it is, uncopied. */
const LARGE_BYTES = 4096;
/** What tiny pieces are gathered in. */
const GATHER_BYTES = 16 * 1024;
/** A stream may bring this many tiny pieces a turn before it has to wait. */
const PIECES_MAX = 64;
/** Of those that wait, as many are read again in a turn as brought this many pieces the last time: a few milliseconds' worth. */
const PIECES_PER_TURN = 4096;

/** The pieces of `readable`, whose source calls `push` and stops when it returns false, are gathered from now on. */
export function gatherPieces(readable: Readable): void {
  const gatherer = new PieceGatherer(readable);
  readable.push = (chunk: Buffer | null): boolean => gatherer.take(chunk);
}

class PieceGatherer {
  readonly #readable: Readable;
  readonly #push: (chunk: Buffer | null) => boolean;
  #gathered: Buffer | null = null;
  #bytes = 0;
  /** In this turn, behind the first. */
  pieces = 0;
  #inTurn = false;
  #stopped = false;

  constructor(readable: Readable) {
    this.#readable = readable;
    this.#push = readable.push.bind(readable);
  }

  /** Null: the end. False: no more for now. */
  take(chunk: Buffer | null): boolean {
    if (chunk === null || chunk.length >= LARGE_BYTES) {
      this.#flush();
      return this.#push(chunk);
    }
    if (!this.#inTurn) {
      // Most often it is the only one, and must not wait.
      this.#inTurn = true;
      atEndOfTurn(this);
      return this.#push(chunk);
    }
    this.#gather(chunk);
    this.pieces++;
    this.#stopped ||= this.pieces > PIECES_MAX;
    return !this.#stopped;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** What was gathered goes on, and the source may, too. */
  release(): void {
    const readable = this.#readable;
    const resumes = this.#stopped;
    this.#inTurn = false;
    this.#stopped = false;
    this.pieces = 0;
    this.#flush();
    if (resumes && !readable.destroyed && readable.readableLength < readable.readableHighWaterMark) readable._read(0);
  }

  #gather(chunk: Buffer): void {
    if (this.#bytes + chunk.length > GATHER_BYTES) this.#flush();
    this.#gathered ??= Buffer.allocUnsafeSlow(GATHER_BYTES);
    chunk.copy(this.#gathered, this.#bytes);
    this.#bytes += chunk.length;
  }

  #flush(): void {
    const gathered = this.#gathered;
    if (gathered === null) return;
    const bytes = this.#bytes;
    this.#gathered = null;
    this.#bytes = 0;
    if (this.#readable.destroyed) return;
    // A copy of its own size, so that a few bytes do not keep the rest.
    this.#push(bytes < GATHER_BYTES / 2 ? Buffer.from(gathered.subarray(0, bytes)) : gathered.subarray(0, bytes));
  }
}

/** Of this event loop: brought pieces in this turn, and those that wait to be read again, the longest first. */
let current: PieceGatherer[] = [];
let waiting: PieceGatherer[] = [];
let scheduled = false;

function atEndOfTurn(gatherer: PieceGatherer): void {
  current.push(gatherer);
  schedule();
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setImmediate(endTurn);
}

function endTurn(): void {
  scheduled = false;
  const gatherers = current;
  current = [];
  for (const gatherer of gatherers) {
    if (gatherer.stopped) waiting.push(gatherer);
    else gatherer.release();
  }
  let pieces = 0;
  let count = 0;
  while (count < waiting.length && pieces < PIECES_PER_TURN) {
    const gatherer = waiting[count++];
    pieces += gatherer?.pieces ?? 0;
    gatherer?.release();
  }
  waiting = waiting.slice(count);
  if (waiting.length > 0) schedule();
}
