// Every way to divide clients into clusters of given sizes, one after another: which client is in which cluster.

/** Equal clusters: the first `clients mod clusters` get one more. */
export function clusterSizes(clients: number, clusters: number): number[] {
  return Array.from({ length: clusters }, (_, k) => Math.floor(clients / clusters) + (k < clients % clusters ? 1 : 0));
}

/** How many ways there are; clusters of one size can change places, which makes no new way. */
export function partitionCount(sizes: readonly number[]): number {
  let count = 1;
  let left = sizes.reduce((sum, size) => sum + size, 0);
  const alike = new Map<number, number>();
  for (const size of sizes) {
    for (let i = 0; i < size; i++) count = (count * (left - i)) / (i + 1);
    left -= size;
    const times = (alike.get(size) ?? 0) + 1;
    alike.set(size, times);
    count /= times;
  }
  return Math.round(count);
}

/** Is called for each cluster as soon as it is full; what it returns is passed on to the clusters after it. */
export interface PartitionVisitor {
  /** @param members its clients, ascending; the array is used again @param sum of the clusters before */
  readonly cluster: (members: readonly number[], sum: number) => number;
  /** @param clusters the clients of each; the arrays are used again @param sum of all clusters */
  readonly whole: (clusters: readonly (readonly number[])[], sum: number) => void;
}

/** Visits all partitions; clusters of one size stand side by side. Of clusters of one size, the one with the lowest client comes first. */
export function forEachPartition(sizes: readonly number[], visitor: PartitionVisitor): void {
  const clients = sizes.reduce((sum, size) => sum + size, 0);
  const taken = new Uint8Array(clients);
  const members: number[][] = sizes.map(() => []);

  const fill = (cluster: number, from: number, sum: number): void => {
    const size = sizes[cluster];
    if (size === undefined) {
      visitor.whole(members, sum);
      return;
    }
    const chosen = members[cluster] as number[];
    if (chosen.length === size) {
      const next = sizes[cluster + 1] === size ? (chosen[0] as number) + 1 : 0;
      fill(cluster + 1, next, visitor.cluster(chosen, sum));
      return;
    }
    // The first client of each later cluster of this size is higher than that of this one: so are all its clients.
    const alike = chosen.length > 0 ? 1 : sizes.lastIndexOf(size) - cluster + 1;
    const needed = alike * size - chosen.length;
    let free = 0;
    for (let client = from; client < clients; client++) if (taken[client] === 0) free++;
    for (let client = from; free >= needed; client++) {
      if (taken[client] === 1) continue;
      free--;
      taken[client] = 1;
      chosen.push(client);
      fill(cluster, client + 1, sum);
      chosen.pop();
      taken[client] = 0;
    }
  };
  fill(0, 0, 0);
}
