// Requests of a service of which no instance is known yet, while placement may still say where it runs: they wait for that
// instead of being refused.

/** A request that waits. */
export interface PlacementWaiter {
  /** An instance came, or none will. */
  onPlaced(): void;
}

/** Node fires at once for more. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The requests of one service that wait for its first instance. */
export class FirstPlacement {
  readonly #waiting = new Map<PlacementWaiter, NodeJS.Timeout | null>();
  #expected: boolean;
  #release: NodeJS.Immediate | null = null;

  /** `expected`: more may be heard of where the service runs. */
  constructor(expected: boolean) {
    this.#expected = expected;
  }

  /** More may be heard. */
  get expected(): boolean {
    return this.#expected;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Takes the request in, `msMax` at most (+Infinity: as long as it takes); false when there is nothing to wait for. */
  hold(request: PlacementWaiter, msMax: number): boolean {
    if (!this.#expected) return false;
    const timer =
      msMax === Number.POSITIVE_INFINITY
        ? null
        : setTimeout(expire, Math.min(TIMER_MS_MAX, Math.ceil(msMax)), this, request);
    this.#waiting.set(request, timer);
    return true;
  }

  cancel(request: PlacementWaiter): void {
    const timer = this.#waiting.get(request);
    if (timer === undefined) return;
    if (timer !== null) clearTimeout(timer);
    this.#waiting.delete(request);
  }

  /** An instance came. Others come along with it, and share what waits. */
  arrived(): void {
    if (this.#waiting.size > 0) this.#release ??= setImmediate(() => this.#letGo());
  }

  /** What is known by now is all there is. */
  end(): void {
    this.#expected = false;
    this.#letGo();
  }

  #letGo(): void {
    if (this.#release !== null) clearImmediate(this.#release);
    this.#release = null;
    for (const request of [...this.#waiting.keys()]) {
      this.cancel(request);
      request.onPlaced();
    }
  }
}

function expire(placement: FirstPlacement, request: PlacementWaiter): void {
  placement.cancel(request);
  request.onPlaced();
}
