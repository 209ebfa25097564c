// Which instances are worth hearing of: those on nodes that are near enough for the service's latency limit. A node is
// entered below the limit and left above 1.1 × the limit, so that an RTT at the limit does not make subscriptions flap.
// Pure.

/** A node is left when its RTT exceeds the limit by this factor. */
const LEAVE_RATIO = 1.1;

/** The nodes that came into the reach of a service, and those that left it. */
export interface ReachChange {
  readonly entered: readonly string[];
  readonly left: readonly string[];
}

/** The nodes near enough for each service, by round trip in ms. */
export class Reach {
  /** τ by service, ms. */
  readonly #limitsMs: ReadonlyMap<string, number>;
  readonly #reached = new Map<string, Set<string>>();

  constructor(limitsMs: ReadonlyMap<string, number>) {
    this.#limitsMs = limitsMs;
  }

  /**
   * The RTT of a node is `rttMs`: which of its services came within reach, and which are out of it now. At the first look
   * what is not within reach is left: something may be known of it from before.
   */
  observe(nodeId: string, rttMs: number): ReachChange {
    const known = this.#reached.get(nodeId);
    const reached = known ?? new Set<string>();
    const entered: string[] = [];
    const left: string[] = [];
    for (const [service, limitMs] of this.#limitsMs) {
      if (reached.has(service) ? rttMs > LEAVE_RATIO * limitMs : rttMs < limitMs) {
        (reached.has(service) ? left : entered).push(service);
      } else if (known === undefined) left.push(service);
    }
    for (const service of entered) reached.add(service);
    for (const service of left) reached.delete(service);
    this.#reached.set(nodeId, reached);
    return { entered, left };
  }

  /** Nothing can be measured there before its instances are known: all services are worth hearing of. */
  assume(nodeId: string): ReachChange {
    return this.#reached.has(nodeId) ? { entered: [], left: [] } : this.observe(nodeId, Number.NEGATIVE_INFINITY);
  }

  /** The node is gone. */
  forget(nodeId: string): ReachChange {
    const left = [...(this.#reached.get(nodeId) ?? [])];
    this.#reached.delete(nodeId);
    return { entered: [], left };
  }

  has(nodeId: string, service: string): boolean {
    return this.#reached.get(nodeId)?.has(service) ?? false;
  }
}
