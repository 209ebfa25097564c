// One source's share of the event loop: a client's connection, most often. What a source brings may be costly (a read full of
// chunks of a byte keeps a parser for 25 ms), and many sources at the same moment would hold the loop for seconds. Each does a little
// in the turn in which something arrives, and all together not much; the rest waits. What waits goes on when the loop has nothing
// else to do, and half of the time where it always has. The source that used least goes first, as in start-time fair queueing
// (Goyal, Vin, Cheng, SIGCOMM 1996), so that one that asks for little is not behind a flood.

import { performance } from 'node:perf_hooks';

/** Share of a turn for one source and for all, ms. */
const OWN_MS = 1;
const TURN_MS = 5;
/** After this much silence a turn begins by itself: waiting for the end of each took 5 % of what a request costs at 200/s. */
const QUIET_MS = 1;

/**
 * The share of one source. `use` enters what was done; when `usedUp`, the source calls `wait` and goes on when it is called
 * back.
 */
export class LoopShare {
  readonly #goOn: () => void;
  #waits = false;
  /** The turn in which it was last used, and how long it was used in that. */
  #turn = 0;
  #turnMs = 0;
  /** What it used altogether, never behind that of the source that was served last. */
  usedMs = 0;

  /** `goOn` continues what waits, until that is done or the share is used up. */
  constructor(goOn: () => void) {
    this.#goOn = goOn;
  }

  /** Something waits: what comes behind it has to wait as well. */
  get waits(): boolean {
    return this.#waits;
  }

  /** Nothing more in this turn. */
  get usedUp(): boolean {
    return turnMs >= TURN_MS || (this.#turn === turn && this.#turnMs >= OWN_MS);
  }

  use(ms: number): void {
    if (this.#turn !== turn) {
      this.#turn = turn;
      this.#turnMs = 0;
    }
    this.#turnMs += ms;
    turnMs += ms;
    this.usedMs = Math.max(this.usedMs, servedMs) + ms;
    schedule();
  }

  /** `goOn` is called in a turn to come. */
  wait(): void {
    if (this.#waits) return;
    this.#waits = true;
    this.usedMs = Math.max(this.usedMs, servedMs);
    waiting.push(this);
    schedule();
  }

  serve(): void {
    this.#waits = false;
    this.#goOn();
  }
}

/** Enters what a source that has no share yet is about to do, ms; false, with nothing entered, where the turn is used up. */
export function takesTurn(ms: number): boolean {
  if (scheduled && turnMs >= TURN_MS) return false;
  spendTurn(ms);
  return true;
}

/** Enters what was done for no source that has a share. */
export function spendTurn(ms: number): void {
  if (scheduled) {
    turnMs += ms;
    return;
  }
  const nowMs = performance.now();
  const { loopCount } = performance.nodeTiming.uvMetricsInfo;
  const isSame = loopCount === enteredIn;
  // What was done since may have taken as long by itself.
  const isQuiet = !isSame && nowMs - enteredMs > QUIET_MS;
  enteredIn = loopCount;
  enteredMs = nowMs;
  if (!isSame) turn++;
  turnMs = isQuiet ? ms : turnMs + ms;
  if (!isQuiet || turnMs > OWN_MS) schedule();
}

/**
 * Calls `action` in a turn to come that has room for it. `costMs`: what it is taken to cost, with what it leaves to the ticks
 * behind it.
 */
export function inTurn(costMs: number, action: () => void): void {
  const share = new LoopShare(() => {
    share.use(costMs);
    action();
  });
  share.wait();
}

/** Calls `action` at the end of this turn, before what waits goes on. */
export function endOfTurn(action: () => void): void {
  ending.push(action);
  schedule();
}

/** The number of the turn: the same within one, another when something is first entered in a later one. */
export function turnNumber(): number {
  return turn;
}

/** State of this event loop: the turn, and what was used in it. */
let turn = 1;
let turnMs = 0;
/** When something was entered last in a turn whose end was not waited for, and which turn that is as libuv counts them. */
let enteredMs = 0;
let enteredIn = -1;
/** What the source that was served last had used by then. */
let servedMs = 0;
let waiting: LoopShare[] = [];
let ending: (() => void)[] = [];
let scheduled = false;
/** The last time that what waits went on: its end, how long it took, and the events of the loop until then. */
let restsSinceMs = 0;
let restMs = 0;
let eventsSeen = 0;

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setImmediate(endTurn);
}

function endTurn(): void {
  scheduled = false;
  beginTurn();
  if (ending.length > 0) {
    const actions = ending;
    ending = [];
    for (const action of actions) action();
  }
  if (waiting.length === 0) return;
  const { events } = performance.nodeTiming.uvMetricsInfo;
  const idle = events === eventsSeen;
  eventsSeen = events;
  if (idle || performance.now() - restsSinceMs >= restMs) serveWaiting();
  else schedule();
}

function beginTurn(): void {
  turn++;
  turnMs = 0;
}

function serveWaiting(): void {
  const startMs = performance.now();
  const inLine = waiting.sort((one, other) => one.usedMs - other.usedMs);
  waiting = [];
  let served = 0;
  try {
    while (served < inLine.length && turnMs < TURN_MS) {
      const share = inLine[served++];
      if (share === undefined) break;
      servedMs = share.usedMs;
      share.serve();
    }
  } finally {
    // Also where one of them throws: the others still wait.
    if (served < inLine.length) waiting = inLine.slice(served).concat(waiting);
    restsSinceMs = performance.now();
    restMs = restsSinceMs - startMs;
    beginTurn();
    if (waiting.length > 0) schedule();
  }
}
