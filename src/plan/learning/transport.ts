// The cheapest way to put clients at a few aggregators that have room for many: minimum-cost flow by successive shortest paths with
// potentials over the aggregators alone (Edmonds and Karp 1972), about O(clients · aggregators²).

/** Places of each aggregator, and how many aggregators may take one client more. */
export interface Room {
  readonly places: number;
  readonly extras: number;
}

/**
 * @param cost client by aggregator, ≥ 0; +Infinity: no link
 * @returns the clients of each aggregator, ascending, with the least sum; null where some client finds no place
 */
export function cheapestClusters(cost: readonly (readonly number[])[], room: Room): number[][] | null {
  const transport = new Transport(cost, room);
  for (const client of cost.keys()) if (!transport.add(client)) return null;
  return transport.members.map((members) => members.toSorted((a, b) => a - b));
}

class Transport {
  readonly members: number[][];
  readonly #cost: readonly (readonly number[])[];
  readonly #room: Room;
  /** Which client moves from one aggregator to another at the least cost; -1: none can. */
  readonly #mover: Int32Array[];
  /** After the aggregators: the pool of extra places, and the end of all paths. */
  readonly #pool: number;
  readonly #end: number;
  readonly #potential: Float64Array;

  constructor(cost: readonly (readonly number[])[], room: Room) {
    const aggregators = cost[0]?.length ?? 0;
    this.members = Array.from({ length: aggregators }, () => []);
    this.#cost = cost;
    this.#room = room;
    this.#mover = this.members.map(() => new Int32Array(aggregators).fill(-1));
    this.#pool = aggregators;
    this.#end = aggregators + 1;
    this.#potential = new Float64Array(aggregators + 2);
  }

  /** Finds a place for one more client, while others may move; false where there is none. */
  add(client: number): boolean {
    const path = this.#shortestPath(client);
    if (path === null) return false;
    const moves: { readonly client: number; readonly from: number; readonly to: number }[] = [];
    for (const [i, to] of path.entries()) {
      const from = path[i - 1] ?? -1;
      if (to === this.#pool || from === this.#pool) continue;
      moves.push({ client: from < 0 ? client : this.#moverOf(from, to), from, to });
    }
    for (const { client: moved, from, to } of moves) {
      if (from >= 0) this.#remove(moved, from);
      this.#insert(moved, to);
    }
    return true;
  }

  /** Dijkstra's; the nodes after the client, without the end. */
  #shortestPath(client: number): number[] | null {
    const nodes = this.#end + 1;
    const distance = new Float64Array(nodes).fill(Number.POSITIVE_INFINITY);
    const before = new Int32Array(nodes).fill(-1);
    const visited = new Uint8Array(nodes);
    for (const [k, own] of (this.#cost[client] as readonly number[]).entries()) {
      distance[k] = own - (this.#potential[k] as number);
    }
    for (let node = nearest(distance, visited); node !== this.#end; node = nearest(distance, visited)) {
      if (node < 0) return null;
      visited[node] = 1;
      for (let next = 0; next < nodes; next++) {
        if (visited[next] === 1) continue;
        const step = this.#stepCost(node, next) + (this.#potential[node] as number) - (this.#potential[next] as number);
        const through = (distance[node] as number) + step;
        if (through >= (distance[next] as number)) continue;
        distance[next] = through;
        before[next] = node;
      }
    }
    const whole = distance[this.#end] as number;
    for (let node = 0; node < nodes; node++) {
      const own = visited[node] === 1 ? (distance[node] as number) : whole;
      this.#potential[node] = (this.#potential[node] as number) + own;
    }
    const path: number[] = [];
    for (let node = before[this.#end] as number; node >= 0; node = before[node] as number) path.unshift(node);
    return path;
  }

  /** What it costs that `from` gives up a place for one at `to`; +Infinity where it cannot. */
  #stepCost(from: number, to: number): number {
    const { places, extras } = this.#room;
    const held = this.members[from]?.length ?? 0;
    if (to === this.#end) {
      const free = from === this.#pool ? this.#extrasTaken() < extras : held < places;
      return free ? 0 : Number.POSITIVE_INFINITY;
    }
    if (from === this.#pool) return (this.members[to] as number[]).length > places ? 0 : Number.POSITIVE_INFINITY;
    if (to === this.#pool) return held === places ? 0 : Number.POSITIVE_INFINITY;
    const mover = this.#moverOf(from, to);
    return mover < 0 ? Number.POSITIVE_INFINITY : this.#moveCost(mover, from, to);
  }

  #extrasTaken(): number {
    return this.members.filter(({ length }) => length > this.#room.places).length;
  }

  #moverOf(from: number, to: number): number {
    return this.#mover[from]?.[to] as number;
  }

  #moveCost(client: number, from: number, to: number): number {
    const costs = this.#cost[client] as readonly number[];
    return (costs[to] as number) - (costs[from] as number);
  }

  #insert(client: number, into: number): void {
    this.members[into]?.push(client);
    for (let to = 0; to < this.#pool; to++) this.#consider(client, into, to);
  }

  #remove(client: number, from: number): void {
    const members = this.members[from] as number[];
    members.splice(members.indexOf(client), 1);
    const movers = this.#mover[from] as Int32Array;
    for (let to = 0; to < this.#pool; to++) {
      if (movers[to] !== client) continue;
      movers[to] = -1;
      for (const other of members) this.#consider(other, from, to);
    }
  }

  #consider(client: number, from: number, to: number): void {
    const movers = this.#mover[from] as Int32Array;
    const own = this.#moveCost(client, from, to);
    if (to === from || own === Number.POSITIVE_INFINITY) return;
    const mover = movers[to] as number;
    if (mover < 0 || own < this.#moveCost(mover, from, to)) movers[to] = client;
  }
}

function nearest(distance: Float64Array, visited: Uint8Array): number {
  let best = -1;
  for (const [node, own] of distance.entries()) {
    if (visited[node] === 1 || own === Number.POSITIVE_INFINITY) continue;
    if (best < 0 || own < (distance[best] as number)) best = node;
  }
  return best;
}
