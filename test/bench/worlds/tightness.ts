// How tight a world is: the greatest load of any region ÷ the capacity in its reach. A region is any set of load balancers; in its
// reach is what an idle instance would answer in time. Above 1, no policy can serve all clients; just below, only the right split can.
//
// By max-flow/min-cut: as long as capacities × t do not carry all load, the cut names a region that is tighter than t.

export interface Reach {
  /** Requests per second of each load balancer. */
  readonly loads: readonly number[];
  /** Requests per second that each instance carries. */
  readonly capacities: readonly number[];
  /** Instances in reach of each load balancer. */
  readonly inReach: readonly (readonly number[])[];
}

const ITERATIONS_MAX = 50;

/** +Infinity where a load balancer has nothing in reach. */
export function tightnessOf(reach: Reach): number {
  let tightness = 0;
  for (let iteration = 0; iteration < ITERATIONS_MAX; iteration++) {
    const region = overloadedRegion(reach, tightness);
    if (region.length === 0) return tightness;
    const load = region.reduce((sum, b) => sum + (reach.loads[b] as number), 0);
    const instances = new Set(region.flatMap((b) => reach.inReach[b] ?? []));
    const capacity = [...instances].reduce((sum, i) => sum + (reach.capacities[i] as number), 0);
    if (capacity === 0) return Number.POSITIVE_INFINITY;
    tightness = load / capacity;
  }
  return tightness;
}

/** Load balancers whose load capacities × `factor` in their reach do not carry; none when all is carried. */
function overloadedRegion({ loads, capacities, inReach }: Reach, factor: number): number[] {
  const left = loads.slice();
  const free = capacities.map((capacity) => factor * capacity);
  const flows = inReach.map((row) => new Float64Array(row.length));
  const slack = 1e-9 * loads.reduce((sum, load) => sum + load, 0);
  for (;;) {
    const search = searchFrom(left, { free, flows, inReach, slack });
    if (search.end < 0) return [...search.balancers.keys()];
    augment(search, { left, free, flows, inReach });
  }
}

interface Flow {
  readonly free: number[];
  readonly flows: readonly Float64Array[];
  readonly inReach: readonly (readonly number[])[];
}

interface Search {
  /** How each was come by: a load balancer by an instance (−1: it has load left), an instance by a load balancer. */
  readonly balancers: Map<number, number>;
  readonly instances: Map<number, number>;
  /** An instance with free capacity; −1 when none is found. */
  readonly end: number;
}

/** Breadth first over load that can still move: to an instance in reach, and back over one whose load can go elsewhere. */
function searchFrom(left: readonly number[], { free, flows, inReach, slack }: Flow & { slack: number }): Search {
  const balancers = new Map<number, number>();
  const instances = new Map<number, number>();
  for (const [b, load] of left.entries()) if (load > slack) balancers.set(b, -1);
  const users = free.map((_, i) =>
    flows.flatMap((row, b) => ((row[inReach[b]?.indexOf(i) ?? -1] ?? 0) > slack ? [b] : [])),
  );
  for (const [b] of balancers) {
    for (const i of inReach[b] ?? []) {
      if (instances.has(i)) continue;
      instances.set(i, b);
      if ((free[i] as number) > slack) return { balancers, instances, end: i };
      for (const user of users[i] ?? []) if (!balancers.has(user)) balancers.set(user, i);
    }
  }
  return { balancers, instances, end: -1 };
}

function augment(
  { balancers, instances, end }: Search,
  { left, free, flows, inReach }: Flow & { left: number[] },
): void {
  const hops: { balancer: number; to: number; from: number }[] = [];
  for (let i = end; i >= 0; ) {
    const balancer = instances.get(i) as number;
    const from = balancers.get(balancer) as number;
    hops.push({ balancer, to: i, from });
    i = from;
  }
  const place = (b: number, i: number): number => (inReach[b] as readonly number[]).indexOf(i);
  const first = hops.at(-1)?.balancer as number;
  let amount = Math.min(left[first] as number, free[end] as number);
  for (const { balancer, from } of hops) {
    if (from >= 0) amount = Math.min(amount, flows[balancer]?.[place(balancer, from)] as number);
  }
  for (const { balancer, to, from } of hops) {
    const row = flows[balancer] as Float64Array;
    row[place(balancer, to)] = (row[place(balancer, to)] as number) + amount;
    if (from >= 0) row[place(balancer, from)] = (row[place(balancer, from)] as number) - amount;
  }
  left[first] = (left[first] as number) - amount;
  free[end] = (free[end] as number) - amount;
}
