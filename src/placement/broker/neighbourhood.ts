// Which nodes are listened to for what they saw of a service: the nearest of those in reach. A node that is listened to counts as a fifth
// nearer than it is, so that two at the same distance do not take turns. Pure.

/** A node is left when its RTT exceeds the limit by this factor. */
const LEAVE_RATIO = 1.1;
const KEPT_NEARER = 0.8;

/** A node that runs a qedge, and its round trip, ms. */
export interface NearNode {
  readonly id: string;
  readonly rttMs: number;
}

export interface Redrawn {
  readonly service: string;
  readonly entered: readonly string[];
  readonly left: readonly string[];
}

export class Neighbourhood {
  /** τ by service, ms. */
  readonly #limitsMs: ReadonlyMap<string, number>;
  readonly #heard = new Map<string, ReadonlySet<string>>();

  constructor(limitsMs: ReadonlyMap<string, number>) {
    this.#limitsMs = limitsMs;
  }

  /** Whether the node is listened to for the service. */
  hears(service: string, nodeId: string): boolean {
    return this.#heard.get(service)?.has(nodeId) ?? false;
  }

  /** Whether the node is listened to for any service. */
  listensTo(nodeId: string): boolean {
    return [...this.#heard.values()].some((heard) => heard.has(nodeId));
  }

  /** Chooses at most `max` again by distances as they are now; what changed, by service. */
  redraw(nodes: readonly NearNode[], max: number): Redrawn[] {
    return [...this.#limitsMs].map(([service, limitMs]) => {
      const before = this.#heard.get(service) ?? new Set<string>();
      const distance = ({ id, rttMs }: NearNode): number => (before.has(id) ? KEPT_NEARER * rttMs : rttMs);
      const after = nodes
        .filter(({ id, rttMs }) => (before.has(id) ? rttMs <= LEAVE_RATIO * limitMs : rttMs < limitMs))
        .sort((a, b) => distance(a) - distance(b))
        .slice(0, max)
        .map(({ id }) => id);
      this.#heard.set(service, new Set(after));
      const entered = after.filter((id) => !before.has(id));
      return { service, entered, left: [...before].filter((id) => !after.includes(id)) };
    });
  }
}
