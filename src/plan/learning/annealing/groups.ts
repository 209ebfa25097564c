// The groups of so many clients of a cluster, and which of one cluster and which of another differ most nearly by a given amount.

/** Sorted by their first coordinate. */
export interface Groups {
  readonly size: number;
  readonly count: number;
  /** The clients of each, one group after another. */
  readonly clients: Int32Array;
  /** The sum of their vectors, one group after another. */
  readonly sums: Float64Array;
}

/** Two groups by their number, how far their difference is from the aim, squared, and how many numbers were looked at. */
export interface Nearest {
  readonly pair: readonly [number, number] | null;
  readonly least: number;
  readonly looks: number;
}

/** @returns how many groups of `size` there are of so many clients */
export function groupCount(clients: number, size: number): number {
  let count = 1;
  for (let i = 0; i < size; i++) count = (count * (clients - i)) / (i + 1);
  return count;
}

/** @returns all groups of `size` of these clients */
export function groupsOf(members: readonly number[], size: number, vectors: readonly Float64Array[]): Groups {
  const groups = subsets(members, size);
  const width = vectors[0]?.length ?? 0;
  const unsorted = new Float64Array(groups.length * width);
  for (const [g, group] of groups.entries()) {
    for (const client of group) {
      const vector = vectors[client] as Float64Array;
      for (let c = 0; c < width; c++)
        unsorted[g * width + c] = (unsorted[g * width + c] as number) + (vector[c] as number);
    }
  }
  const order = [...groups.keys()].sort((a, b) => (unsorted[a * width] as number) - (unsorted[b * width] as number));
  const sums = new Float64Array(unsorted.length);
  for (const [at, g] of order.entries()) sums.set(unsorted.subarray(g * width, (g + 1) * width), at * width);
  const clients = Int32Array.from(order.flatMap((g) => groups[g] as readonly number[]));
  return { size, count: groups.length, clients, sums };
}

/** The clients of a group. */
export function clientsOf({ clients, size }: Groups, group: number): number[] {
  return [...clients.subarray(group * size, (group + 1) * size)];
}

/**
 * A group meets those alone that are near enough in the first coordinate.
 *
 * @param aim what the sum of a group of `into` should be more than that of one of `out`
 * @param below squared distances from here on are none
 */
export function nearestGroups([out, into]: readonly [Groups, Groups], aim: Float64Array, below: number): Nearest {
  const width = aim.length;
  const wanted = new Float64Array(width);
  let [least, reach, looks] = [below, Math.sqrt(below), 0];
  let pair: readonly [number, number] | null = null;
  // Both ascend, so the first that is near enough does too.
  for (let o = 0, first = 0; o < out.count; o++) {
    for (let c = 0; c < width; c++) wanted[c] = (aim[c] as number) + (out.sums[o * width + c] as number);
    const key = wanted[0] as number;
    while (first < into.count && (into.sums[first * width] as number) < key - reach) first++;
    for (let i = first; i < into.count && (into.sums[i * width] as number) < key + reach; i++) {
      let left = 0;
      let c = 0;
      for (; c < width && left < least; c++)
        left += ((wanted[c] as number) - (into.sums[i * width + c] as number)) ** 2;
      looks += c;
      if (left >= least) continue;
      [least, reach, pair] = [left, Math.sqrt(left), [o, i]];
    }
  }
  return { pair, least, looks };
}

function subsets(members: readonly number[], size: number): number[][] {
  if (size === 0) return [[]];
  return members.flatMap((one, i) => subsets(members.slice(i + 1), size - 1).map((rest) => [one, ...rest]));
}
