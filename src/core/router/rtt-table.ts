// ℓⁿ of each node as it was last measured, kept apart from the instances so that one that joins later finds its node's RTT.

/** Nodes remembered at the most; RTTs of further ones are used but not kept. */
const NODES_MAX = 16_384;

/** Round trip assumed on the own node until measured. */
const LOCAL_RTT_ASSUMED_MS = 0.5;
/** Share of τ assumed as the round trip to an unmeasured node: plausible, and never infeasible by assumption alone. */
const REMOTE_RTT_ASSUMED_SHARE = 0.25;
/** Share by which an RTT moves to make a step, where nothing else is configured. */
export const RTT_CHANGE_RATIO_DEFAULT = 0.3;
/** Smaller moves are never a step at any ratio: on short links the ratio alone is noise. */
const STEP_MS_MIN = 2;

export interface RttStep {
  /** Null for the first measurement. */
  readonly fromMs: number | null;
}

export class RttTable {
  /** A move of more than this share from where the last step led is a step. */
  changeRatio: number;
  /** Last measured. */
  readonly #rtts = new Map<string, number>();
  /** What the last step was to: a slow drift adds up to a step as well. */
  readonly #reference = new Map<string, number>();

  constructor(changeRatio: number) {
    this.changeRatio = changeRatio;
  }

  get(nodeId: string): number | undefined {
    return this.#rtts.get(nodeId);
  }

  assumedMs(local: boolean, latencyMs: number): number {
    return local ? LOCAL_RTT_ASSUMED_MS : REMOTE_RTT_ASSUMED_SHARE * latencyMs;
  }

  /** Takes in a measurement; returns the step it makes, or null when it makes none. */
  observe(nodeId: string, rttMs: number): RttStep | null {
    const known = this.#rtts.has(nodeId);
    if (!known && this.#rtts.size >= NODES_MAX) return { fromMs: null };
    this.#rtts.set(nodeId, rttMs);
    const fromMs = this.#reference.get(nodeId) ?? null;
    if (fromMs !== null && Math.abs(rttMs - fromMs) <= Math.max(STEP_MS_MIN, this.changeRatio * fromMs)) return null;
    this.#reference.set(nodeId, rttMs);
    return { fromMs };
  }

  /** RTTs by node, rounded to 0.01 ms. */
  snapshot(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#rtts].map(([nodeId, rttMs]) => [nodeId, Math.round(rttMs * 100) / 100]));
  }

  /** Takes back what is not measured yet; ignores what is no RTT. */
  restore(rtts: unknown): void {
    if (typeof rtts !== 'object' || rtts === null) return;
    for (const [nodeId, rttMs] of Object.entries(rtts)) {
      if (typeof rttMs === 'number' && rttMs >= 0 && !this.#rtts.has(nodeId)) this.observe(nodeId, rttMs);
    }
  }
}
