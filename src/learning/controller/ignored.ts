// What nodes sent and what changed nothing: counted by node, with the last reason.

/** The ignored reports of one node. */
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
    const before = new Map(entries.map((entry) => [entry.node, entry]));
    const since = this.entries.map((entry) => ({
      ...entry,
      count: entry.count + (before.get(entry.node)?.count ?? 0),
    }));
    this.#byNode.clear();
    for (const entry of [...entries, ...since]) this.#keep(entry);
  }

  get entries(): IgnoredReports[] {
    return [...this.#byNode.values()];
  }

  add(node: string, reason: string): void {
    const entry = { node, count: (this.#byNode.get(node)?.count ?? 0) + 1, reason: reason.slice(0, REASON_CHARS_MAX) };
    this.#keep(entry);
    this.#onAdd(node, entry.reason);
  }

  #keep(entry: IgnoredReports): void {
    this.#byNode.delete(entry.node);
    const [oldest] = this.#byNode.keys();
    if (this.#byNode.size >= NODES_MAX && oldest !== undefined) this.#byNode.delete(oldest);
    this.#byNode.set(entry.node, entry);
  }
}
