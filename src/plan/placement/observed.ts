// What running nodes have measured, as a table of sites (sites-file.ts): each knows its own round trips and its own requests. A pair that
// neither end has measured is as far apart as the shortest way over those that are.

import { ConfigError } from '../../errors.ts';
import { NODES_MAX } from './sites-file.ts';

/** What one node says of itself. */
export interface ObservedNode {
  readonly node: string;
  /** Requests per second that its clients send. */
  readonly rate: number;
  /** Node → round trip, ms. */
  readonly rttMs: ReadonlyMap<string, number>;
}

/** A table for `parseSites`. */
export interface ObservedSites {
  readonly csv: string;
  /** Pairs of nodes whose distance nothing has measured. */
  readonly estimated: number;
}

/** @throws ConfigError where a node has a name that the table cannot hold, or there are more than it can */
export function observedSites(observed: readonly ObservedNode[]): ObservedSites {
  const names = [...new Set(observed.flatMap(({ node, rttMs }) => [node, ...rttMs.keys()]))].sort();
  const odd = names.find((name) => !/^[\w.-]{1,64}$/.test(name));
  if (odd !== undefined)
    throw refused(`expected names of letters, digits, ".", "_" and "-", at most 64, got ${JSON.stringify(odd)}`);
  if (names.length > NODES_MAX) throw refused(`expected at most ${NODES_MAX} nodes, got ${names.length}`);
  const measured = measuredBetween(names, observed);
  const ways = shortestWays(measured, names.length);
  const rate = new Map(observed.map((one) => [one.node, one.rate]));
  const lines = names.map((name, i) => {
    const row = Array.from(ways.subarray(i * names.length, (i + 1) * names.length), (ms, j) => {
      const known = measured[i * names.length + j] as number;
      const way = Number.isFinite(known) ? known : ms;
      return Number.isFinite(way) ? String(way) : 'none';
    });
    return [name, String(rate.get(name) ?? 0), ...row].join(',');
  });
  // Both directions of a pair.
  const estimated = measured.reduce((count, ms) => (Number.isFinite(ms) ? count : count + 1), 0) / 2;
  return { csv: [['node', 'rate', ...names].join(','), ...lines].join('\n'), estimated };
}

function refused(message: string): ConfigError {
  return new ConfigError([{ file: 'nodes', line: 0, column: 0, path: '', message }]);
}

/** The lesser of what both ends have measured, row by row; +Infinity where neither has. */
function measuredBetween(names: readonly string[], observed: readonly ObservedNode[]): Float64Array {
  const count = names.length;
  const index = new Map(names.map((name, i) => [name, i]));
  const between = new Float64Array(count * count).fill(Number.POSITIVE_INFINITY);
  for (let i = 0; i < count; i++) between[i * count + i] = 0;
  for (const { node, rttMs } of observed) {
    const i = index.get(node) as number;
    for (const [other, ms] of rttMs) {
      const j = index.get(other) as number;
      if (i === j) continue;
      const least = Math.min(between[i * count + j] as number, ms);
      between[i * count + j] = least;
      between[j * count + i] = least;
    }
  }
  return between;
}

/** Floyd and Warshall, of ways that are as long back as forth. */
function shortestWays(measured: Float64Array, count: number): Float64Array {
  const ways = measured.slice();
  for (let via = 0; via < count; via++) {
    const onward = ways.slice(via * count, (via + 1) * count);
    for (let from = 0; from < count; from++) {
      const first = onward[from] as number;
      if (first === Number.POSITIVE_INFINITY) continue;
      const row = from * count;
      for (let to = 0; to < count; to++) {
        const way = first + (onward[to] as number);
        if (way < (ways[row + to] as number)) ways[row + to] = way;
      }
    }
  }
  return ways;
}
