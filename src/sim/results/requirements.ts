// How far every requirement held: over the whole of the steady part, and in every window W of every client.

import type { Scenario } from '../scenario.ts';
import type { Recorder } from './recorder.ts';

/** One requirement, or all of them together; shares in [0, 1]. */
export interface RequirementMetrics {
  /** `latency`, `mean latency`, `reliability`, `availability`, `throughput`, `accuracy share` and the like, or `all`. */
  readonly name: string;
  /** Over all clients; null for all of them together. */
  readonly value: number | null;
  /** Share of the windows of all clients in which it held. */
  readonly windowsRatio: number;
  /** The same of the client that has the fewest. */
  readonly worstClientRatio: number;
  /** Share of the clients for which it held in at least 95 % of their windows. */
  readonly clientsMostlyRatio: number;
  /** Share of the clients for which it held over the whole of the steady part. */
  readonly clientsRatio: number;
}

const MOSTLY = 0.95;

/** Name of the requirement whose value is a latency, ms; all others but the next are shares. */
export const MEAN_LATENCY = 'mean latency';
/** Name of the requirement whose value is answers a second. */
export const THROUGHPUT = 'throughput';

/** What happened to the requests of a span. */
interface Sums {
  readonly seconds: number;
  /** Seconds in which it asked, and those of them in which it was answered. */
  readonly asked: number;
  readonly had: number;
  readonly sent: number;
  readonly succeeded: number;
  readonly answers: number;
  readonly latencyMs: number;
  readonly fitting: readonly number[];
}

interface Requirement {
  readonly name: string;
  readonly value: (sums: Sums) => number;
  readonly holds: (sums: Sums) => boolean;
}

/** None where nothing is required beside the latency goal. */
export function requirementMetrics(recorder: Recorder, scenario: Scenario): RequirementMetrics[] {
  const required = requirementsIn(scenario);
  if (required.length === 1) return [];
  const all: Requirement = {
    name: 'all',
    value: () => Number.NaN,
    holds: (sums) => required.every(({ holds }) => holds(sums)),
  };
  const { seconds, clients } = recorder.shape;
  const fromS = Math.floor(scenario.steadyFromMs / 1_000);
  const windowS = Math.max(1, Math.round(scenario.qos.windowMs / 1_000));
  const wholes = Array.from({ length: clients }, (_, c) => sumsOf(recorder, c, { fromS, toS: seconds }));
  const windows = wholes.map((_, c) => windowsOf(recorder, c, { fromS, windowS }));
  const asking = wholes.flatMap((whole, c) => (whole.sent > 0 ? [{ whole, windows: windows[c] as Sums[] }] : []));
  return [...required, all].map(({ name, value, holds }) => {
    const ratios = asking.map((client) => shareOf(client.windows, holds));
    const overall = value(wholes.reduce(plus));
    return {
      name,
      value: Number.isNaN(overall) ? null : overall,
      windowsRatio: shareOf(
        asking.flatMap((client) => client.windows),
        holds,
      ),
      worstClientRatio: ratios.reduce((least, ratio) => Math.min(least, ratio), 1),
      clientsMostlyRatio: shareOf(ratios, (ratio) => ratio >= MOSTLY),
      clientsRatio: shareOf(
        asking.map(({ whole }) => whole),
        holds,
      ),
    };
  });
}

function requirementsIn({ qos, requirements }: Scenario): Requirement[] {
  const { meanLatencyMs, reliabilityRatio, throughputPerSecondMin, availability, shares } = requirements;
  const atLeast = (name: string, least: number, value: (sums: Sums) => number): Requirement => ({
    name,
    value,
    holds: (sums) => !(value(sums) < least),
  });
  return [
    atLeast('latency', qos.successRatio, ({ succeeded, sent }) => succeeded / sent),
    ...(meanLatencyMs === null
      ? []
      : [
          {
            name: MEAN_LATENCY,
            value: ({ latencyMs, answers }: Sums) => latencyMs / answers,
            holds: ({ latencyMs, answers }: Sums) => latencyMs <= meanLatencyMs * answers,
          },
        ]),
    ...(reliabilityRatio === null
      ? []
      : [atLeast('reliability', reliabilityRatio, ({ answers, sent }) => answers / sent)]),
    ...(availability === null ? [] : [atLeast('availability', availability.share, ({ had, asked }) => had / asked)]),
    ...(throughputPerSecondMin === null
      ? []
      : [
          {
            name: THROUGHPUT,
            value: ({ answers, seconds }: Sums) => answers / seconds,
            // A client that asks for less has what it asks for.
            holds: ({ answers, sent, seconds }: Sums) => answers >= Math.min(sent, throughputPerSecondMin * seconds),
          },
        ]),
    ...shares.map(({ name, share }, s) =>
      atLeast(`${name} share`, share, ({ fitting, answers }) => (fitting[s] as number) / answers),
    ),
  ];
}

/** Every window of a client in which it sent anything, one a second. */
function windowsOf(recorder: Recorder, c: number, { fromS, windowS }: { fromS: number; windowS: number }): Sums[] {
  const windows: Sums[] = [];
  for (let toS = fromS + windowS; toS <= recorder.shape.seconds; toS++) {
    const sums = sumsOf(recorder, c, { fromS: toS - windowS, toS });
    if (sums.sent > 0) windows.push(sums);
  }
  return windows;
}

function sumsOf(recorder: Recorder, c: number, { fromS, toS }: { fromS: number; toS: number }): Sums {
  const { sent, succeeded, requirements, shape } = recorder;
  let asked = 0;
  let had = 0;
  for (let at = c * shape.seconds + fromS; at < c * shape.seconds + toS; at++) {
    if ((sent[at] as number) === 0) continue;
    asked++;
    if ((requirements.answers[at] as number) > 0) had++;
  }
  const sumOf = (counts: Uint32Array | Float64Array): number => {
    let sum = 0;
    for (let s = fromS; s < toS; s++) sum += counts[c * shape.seconds + s] as number;
    return sum;
  };
  return {
    seconds: toS - fromS,
    asked,
    had,
    sent: sumOf(sent),
    succeeded: sumOf(succeeded),
    answers: sumOf(requirements.answers),
    latencyMs: sumOf(requirements.latencyMs),
    fitting: requirements.fitting.map(sumOf),
  };
}

function plus(one: Sums, other: Sums): Sums {
  return {
    seconds: one.seconds + other.seconds,
    asked: one.asked + other.asked,
    had: one.had + other.had,
    sent: one.sent + other.sent,
    succeeded: one.succeeded + other.succeeded,
    answers: one.answers + other.answers,
    latencyMs: one.latencyMs + other.latencyMs,
    fitting: one.fitting.map((count, s) => count + (other.fitting[s] as number)),
  };
}

function shareOf<T>(values: readonly T[], holds: (value: T) => boolean): number {
  return values.length === 0 ? 1 : values.filter(holds).length / values.length;
}
