// Every attempt under way: columns of typed arrays, a free list, and a list in order of start, whose head is the next to time out.

const CAPACITY_INITIAL = 1_024;

/** Index into the table. */
export type AttemptSlot = number;

/** No attempt. */
export const NO_SLOT = -1;

/** A request on its way; a retry is the same request again. */
export interface RequestUnderWay {
  /** Index of the client in the world. */
  readonly client: number;
  /** When the client sent it, virtual time. */
  readonly emittedMs: number;
  /** 0 for the first, one more for each retry. */
  readonly attempt: number;
  readonly group: number;
  /** Stage of the chain; 0 where there is none. */
  readonly stage: number;
  /** When the stage was asked for, virtual time. */
  readonly stageMs: number;
  /** What the stage may take, ms. */
  readonly budgetMs: number;
  /** Handles that it was sent to before, by the load balancer's present life. */
  readonly tried: readonly number[];
}

/** Attempts under way, a row each. A slot is valid from `take` until `release`. */
export class AttemptTable {
  client = new Int32Array(CAPACITY_INITIAL);
  instance = new Int32Array(CAPACITY_INITIAL);
  /** The candidate's handle in the router that chose it. */
  handle = new Int32Array(CAPACITY_INITIAL);
  ticket = new Int32Array(CAPACITY_INITIAL);
  /** Which life of the load balancer it belongs to. */
  epoch = new Int32Array(CAPACITY_INITIAL);
  attempt = new Uint8Array(CAPACITY_INITIAL);
  /** Group of the request. */
  group = new Uint8Array(CAPACITY_INITIAL);
  /** Stage of the chain, where requests are runs through one; 0 where not. */
  stage = new Uint8Array(CAPACITY_INITIAL);
  /** Handles that the request was sent to before. */
  readonly tried: (readonly number[])[] = [];
  /** Index into the simulation's list of results. */
  result = new Uint8Array(CAPACITY_INITIAL);
  /** Timed out, or written off: its ending matters to nothing. */
  abandoned = new Uint8Array(CAPACITY_INITIAL);
  /** When the client sent the request, and when this attempt of it began. */
  emittedMs = new Float64Array(CAPACITY_INITIAL);
  startMs = new Float64Array(CAPACITY_INITIAL);
  /** When its stage was asked for. */
  stageMs = new Float64Array(CAPACITY_INITIAL);
  /** What the stage may take, ms. */
  budgetMs = new Float64Array(CAPACITY_INITIAL);
  /** How long it waited for a connection, ms. */
  connectMs = new Float64Array(CAPACITY_INITIAL);
  /** When it came to the instance. */
  arrivedMs = new Float64Array(CAPACITY_INITIAL);
  /** The way back, ms. */
  returnMs = new Float64Array(CAPACITY_INITIAL);
  #before = new Int32Array(CAPACITY_INITIAL);
  #after = new Int32Array(CAPACITY_INITIAL);
  #free: AttemptSlot[] = [];
  #used = 0;
  #oldest = NO_SLOT;
  #youngest = NO_SLOT;

  /** Started first of all that are neither over nor abandoned. */
  get oldest(): AttemptSlot {
    return this.#oldest;
  }

  /** A row for an attempt of the request that starts now. */
  take(request: RequestUnderWay, startMs: number): AttemptSlot {
    const slot = this.#free.pop() ?? this.#used++;
    if (slot === this.client.length) this.#grow();
    this.client[slot] = request.client;
    this.emittedMs[slot] = request.emittedMs;
    this.attempt[slot] = request.attempt;
    this.group[slot] = request.group;
    this.stage[slot] = request.stage;
    this.stageMs[slot] = request.stageMs;
    this.budgetMs[slot] = request.budgetMs;
    this.tried[slot] = request.tried;
    this.startMs[slot] = startMs;
    this.abandoned[slot] = 0;
    this.#before[slot] = this.#youngest;
    this.#after[slot] = NO_SLOT;
    if (this.#youngest === NO_SLOT) this.#oldest = slot;
    else this.#after[this.#youngest] = slot;
    this.#youngest = slot;
    return slot;
  }

  /** The request that the attempt is one of. */
  requestOf(slot: AttemptSlot): RequestUnderWay {
    return {
      client: this.client[slot] as number,
      emittedMs: this.emittedMs[slot] as number,
      attempt: this.attempt[slot] as number,
      group: this.group[slot] as number,
      stage: this.stage[slot] as number,
      stageMs: this.stageMs[slot] as number,
      budgetMs: this.budgetMs[slot] as number,
      tried: this.tried[slot] as readonly number[],
    };
  }

  /** No longer awaited; the slot stays taken until `release`. */
  abandon(slot: AttemptSlot): void {
    this.abandoned[slot] = 1;
    this.#unlink(slot);
  }

  release(slot: AttemptSlot): void {
    if (this.abandoned[slot] === 0) this.#unlink(slot);
    this.#free.push(slot);
  }

  #unlink(slot: AttemptSlot): void {
    const before = this.#before[slot] as number;
    const after = this.#after[slot] as number;
    if (before === NO_SLOT) this.#oldest = after;
    else this.#after[before] = after;
    if (after === NO_SLOT) this.#youngest = before;
    else this.#before[after] = before;
  }

  #grow(): void {
    const longer = <T extends Int32Array | Uint8Array | Float64Array>(column: T, empty: T): T => {
      empty.set(column);
      return empty;
    };
    const size = this.client.length * 2;
    this.client = longer(this.client, new Int32Array(size));
    this.instance = longer(this.instance, new Int32Array(size));
    this.handle = longer(this.handle, new Int32Array(size));
    this.ticket = longer(this.ticket, new Int32Array(size));
    this.epoch = longer(this.epoch, new Int32Array(size));
    this.attempt = longer(this.attempt, new Uint8Array(size));
    this.group = longer(this.group, new Uint8Array(size));
    this.stage = longer(this.stage, new Uint8Array(size));
    this.result = longer(this.result, new Uint8Array(size));
    this.abandoned = longer(this.abandoned, new Uint8Array(size));
    this.emittedMs = longer(this.emittedMs, new Float64Array(size));
    this.startMs = longer(this.startMs, new Float64Array(size));
    this.stageMs = longer(this.stageMs, new Float64Array(size));
    this.budgetMs = longer(this.budgetMs, new Float64Array(size));
    this.connectMs = longer(this.connectMs, new Float64Array(size));
    this.arrivedMs = longer(this.arrivedMs, new Float64Array(size));
    this.returnMs = longer(this.returnMs, new Float64Array(size));
    this.#before = longer(this.#before, new Int32Array(size));
    this.#after = longer(this.#after, new Int32Array(size));
  }
}
