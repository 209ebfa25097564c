// What the clients saw, beside what the simulator says of the same world, phase by phase. Requests that the machine itself held up
// are counted apart: they say nothing of qedge.

import { readProfile } from '../../../src/core/profile.ts';
import { Recorder } from '../../../src/sim/results/recorder.ts';
import { clientRatios, ratioIn, type Span as Seconds, sum, totalsBySecond } from '../../../src/sim/results/totals.ts';
import type { World } from '../../../src/sim/world/world.ts';
import { ENDINGS, type SentRequest } from './clients.ts';
import type { Span } from './network.ts';
import type { Phase } from './world.ts';

/** When something stood still, ms since the start, merged: by load balancer and by key of the instance, and for all alike. */
export interface Stalls {
  readonly everywhere: readonly Span[];
  readonly ofBalancer: readonly (readonly Span[])[];
  readonly ofInstance: ReadonlyMap<string, readonly Span[]>;
}

export interface Judgement {
  /** Requests that ran undisturbed by the machine. */
  readonly clean: Recorder;
  /** Why those of them missed that did, by the second in which they were sent. */
  readonly misses: { readonly [Miss in (typeof MISSES)[number]]: Float64Array };
  /** The others. */
  readonly stalled: Recorder;
}

/** Too late; an error of the proxy or of an instance; no proxy there; the client waited no longer. */
const MISSES = ['late', 'failed', 'refused', 'timeout'] as const;

export function emptyRecorder({ clients, instances, balancers }: World, durationMs: number): Recorder {
  return new Recorder({
    seconds: Math.ceil(durationMs / 1_000),
    clients: clients.length,
    instances: instances.length,
    balancers: balancers.length,
    profiles: instances.map(({ model }) => readProfile(model.profile ?? null)),
    fits: [],
  });
}

export interface Observed {
  readonly world: World;
  readonly durationMs: number;
  readonly latencyMs: number;
  readonly requests: readonly SentRequest[];
  readonly stalls: Stalls;
}

/**
 * Sorts the requests into those that the machine held up and the rest, and judges each by its client's clock. Held up is what meets
 * a stall within the limit, however long it takes: else what fails late would be left out more often than what succeeds.
 */
export function judge({ world, durationMs, latencyMs, requests, stalls }: Observed): Judgement {
  const [clean, stalled] = [emptyRecorder(world, durationMs), emptyRecorder(world, durationMs)];
  const none = (): Float64Array => new Float64Array(clean.shape.seconds);
  const misses = { late: none(), failed: none(), refused: none(), timeout: none() };
  for (const [client, sentMs, tookMs, ending, instance] of requests) {
    const { balancer = 0 } = world.clients[client] ?? {};
    const spans = [stalls.everywhere, stalls.ofBalancer[balancer] ?? [], stalls.ofInstance.get(instance) ?? []];
    const isStalled = spans.some((some) => overlaps(some, sentMs, sentMs + latencyMs));
    const word = ENDINGS[ending] ?? 'failed';
    const judged = word !== 'answered' ? word : tookMs <= latencyMs ? 'success' : 'late';
    (isStalled ? stalled : clean).ended(client, sentMs, judged);
    if (!isStalled && judged !== 'success') (misses[judged][Math.floor(sentMs / 1_000)] as number)++;
  }
  return { clean, stalled, misses };
}

/** In order, and none overlaps another. */
export function merged(spans: readonly Span[]): readonly Span[] {
  const disjoint: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = disjoint.at(-1);
    if (last === undefined || span.fromMs > last.toMs) disjoint.push(span);
    else disjoint[disjoint.length - 1] = { fromMs: last.fromMs, toMs: Math.max(last.toMs, span.toMs) };
  }
  return disjoint;
}

/** Whether any of the merged spans meets the stretch. */
function overlaps(spans: readonly Span[], fromMs: number, toMs: number): boolean {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((spans[middle] as Span).toMs < fromMs) low = middle + 1;
    else high = middle;
  }
  const first = spans[low];
  return first !== undefined && first.fromMs <= toMs;
}

export interface PhaseRow {
  readonly phase: Phase;
  readonly requests: number;
  /** Requests answered in time, and clients with enough of them. */
  readonly success: Pair;
  readonly satisfied: Pair;
  /** Requests that missed, by each of `MISSES`. */
  readonly misses: readonly number[];
  /** Share of the requests that the machine held up. */
  readonly stalledRatio: number;
}

interface Pair {
  /** NaN where the machine held everything up. */
  readonly testbed: number;
  /** Mean over the runs. */
  readonly simulator: number;
}

/** One row a phase, and one for the whole run. */
export function compare(
  { clean, stalled, misses }: Judgement,
  simulated: readonly Recorder[],
  { phases, successRatio }: { readonly phases: readonly Phase[]; readonly successRatio: number },
): readonly PhaseRow[] {
  const whole = { label: 'all', fromS: 0, toS: clean.shape.seconds };
  const totals = [clean, stalled, ...simulated].map(totalsBySecond);
  const [cleanTotals, stalledTotals, ...simulatedTotals] = totals;
  if (cleanTotals === undefined || stalledTotals === undefined) return [];
  const satisfied = (recorder: Recorder, span: Seconds): number => {
    const ratios = clientRatios(recorder, span);
    return ratios.filter((ratio) => ratio >= successRatio).length / ratios.length;
  };
  return [...phases, whole].map((phase) => {
    const stalledRequests = sum(stalledTotals.sent, phase);
    const cleanRequests = sum(cleanTotals.sent, phase);
    const requests = cleanRequests + stalledRequests;
    return {
      phase,
      requests,
      success: {
        testbed: cleanRequests === 0 ? Number.NaN : ratioIn(cleanTotals, phase),
        simulator: mean(simulatedTotals.map((one) => ratioIn(one, phase))),
      },
      satisfied: {
        testbed: satisfied(clean, phase),
        simulator: mean(simulated.map((one) => satisfied(one, phase))),
      },
      misses: MISSES.map((miss) => sum(misses[miss], phase)),
      stalledRatio: stalledRequests / Math.max(1, requests),
    };
  });
}

/** Cells of a row, as `HEAD` names them; differences in points. */
export function cellsOf({ phase, requests, success, satisfied, misses, stalledRatio }: PhaseRow): readonly string[] {
  return [
    phase.label,
    String(phase.fromS),
    String(requests),
    ...pairCells(success),
    ...pairCells(satisfied),
    ...misses.map(String),
    percent(stalledRatio),
  ];
}

export const HEAD: readonly string[] = [
  ...['phase', 'from s', 'requests'],
  ...['success', 'simulator', 'points'],
  ...['satisfied', 'simulator', 'points'],
  ...['late', 'failed', 'no proxy', 'no answer'],
  'in stalls',
];

function pairCells({ testbed, simulator }: Pair): readonly string[] {
  const points = 100 * (testbed - simulator);
  if (Number.isNaN(points)) return ['–', percent(simulator), '–'];
  return [percent(testbed), percent(simulator), `${points > 0 ? '+' : ''}${points.toFixed(1)}`];
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(1)} %`;
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / Math.max(1, values.length);
}
