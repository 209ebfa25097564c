// What nodes sent and what changed nothing: counted by node, with the last reason.

/** Of one node. */
export interface IgnoredReports {
  readonly node: string;
  readonly count: number;
  readonly reason: string;
}

const NODES_MAX = 64;
const REASON_CHARS_MAX = 512;

/** Counts by node; beyond so many nodes the one that was heard longest ago is forgotten. */
export class Ignored {
  readonly #onAdd: (node: string, reason: string) => void;
  readonly #byNode = new Map<string, IgnoredReports>();

  /** @param onAdd called with each */
  constructor(onAdd: (node: string, reason: string) => void) {
    this.#onAdd = onAdd;
  }

  /** What was counted before; what was counted since goes on top of it. */
  restore(entries: readonly IgnoredReports[]): void {
    for (const { node, count, reason } of entries) {
      const since = this.#byNode.get(node);
      this.#byNode.set(node, { node, count: count + (since?.count ?? 0), reason: since?.reason ?? reason });
    }
  }

  get entries(): IgnoredReports[] {
    return [...this.#byNode.values()];
  }

  add(node: string, reason: string): void {
    const count = (this.#byNode.get(node)?.count ?? 0) + 1;
    this.#byNode.delete(node);
    const [oldest] = this.#byNode.keys();
    if (this.#byNode.size >= NODES_MAX && oldest !== undefined) this.#byNode.delete(oldest);
    this.#byNode.set(node, { node, count, reason: reason.slice(0, REASON_CHARS_MAX) });
    this.#onAdd(node, reason);
  }
}
