// What happens for a moment, again and again, at random times: everything stands still, links are slow together, an uplink stalls.

import type { Rng } from '../../core/rng.ts';
import { exponential, uniform } from '../random.ts';
import type { ScenarioEvent } from '../scenario.ts';
import type { TimedChange } from './change.ts';

type EventOf<Kind> = Extract<ScenarioEvent, { kind: Kind }>;

export type Recurring = EventOf<'hiccups' | 'bursts' | 'uplink'>;

interface Drawn {
  readonly rng: Rng;
  /** Length of the run. */
  readonly endMs: number;
}

/** All instances stand still. */
export function hiccups(event: EventOf<'hiccups'>, instances: number, drawn: Drawn): TimedChange[] {
  const gapMs = (): number => uniform(drawn.rng, 0, 2 * event.gapMs);
  const pauseMs = (): number => uniform(drawn.rng, 0, event.pauseMs);
  return moments(event, drawn.endMs, { gapMs, lengthMs: pauseMs }).flatMap(({ atMs, overMs }) =>
    Array.from({ length: instances }, (_, instance): TimedChange[] => [
      { atMs, change: { kind: 'freeze', instance } },
      { atMs: overMs, change: { kind: 'thaw', instance } },
    ]).flat(),
  );
}

/** The links to some instances are slow together. */
export function bursts(event: EventOf<'bursts'>, instances: readonly number[], drawn: Drawn): TimedChange[] {
  const { addMs } = event;
  const gapMs = (): number => exponential(drawn.rng, event.gapMs);
  const lengthMs = (): number => exponential(drawn.rng, event.lengthMs);
  return moments(event, drawn.endMs, { gapMs, lengthMs }).flatMap(({ atMs, overMs }) =>
    instances.flatMap((instance): TimedChange[] => [
      { atMs, change: { kind: 'link', instance, addMs } },
      { atMs: overMs, change: { kind: 'link', instance, addMs: -addMs } },
    ]),
  );
}

/** Nothing leaves a load balancer, and nothing comes back to it. */
export function uplink(event: EventOf<'uplink'>, balancer: number, drawn: Drawn): TimedChange[] {
  const gapMs = (): number => exponential(drawn.rng, event.gapMs);
  const lengthMs = (): number => uniform(drawn.rng, 0, event.pauseMs);
  return moments(event, drawn.endMs, { gapMs, lengthMs }).map(({ atMs, overMs }) => ({
    atMs,
    change: { kind: 'uplink', balancer, untilMs: overMs },
  }));
}

function moments(
  { atMs: fromMs, forMs }: { readonly atMs: number; readonly forMs: number },
  endMs: number,
  { gapMs, lengthMs }: { readonly gapMs: () => number; readonly lengthMs: () => number },
): { atMs: number; overMs: number }[] {
  const all: { atMs: number; overMs: number }[] = [];
  const untilMs = Math.min(endMs, fromMs + forMs);
  for (let atMs = fromMs + gapMs(); atMs < untilMs; atMs += gapMs()) {
    const overMs = atMs + lengthMs();
    all.push({ atMs, overMs });
    atMs = overMs;
  }
  return all;
}
