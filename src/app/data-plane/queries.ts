// What a data plane is asked about a service for the picture of the node as a whole, and what it answers.

import type { InstanceKey, RequestInfo } from '../../core/domain.ts';
import type { RouteTier, ServiceRouter } from '../../core/service-router.ts';

/** What a data plane is asked. */
export type WorkerQuery =
  | {
      readonly about: 'density';
      readonly service: string;
      readonly key: InstanceKey;
      readonly gridMs: readonly number[];
    }
  | { readonly about: 'preview'; readonly service: string; readonly request: RequestInfo };

export interface DensityAnswer {
  readonly about: 'density';
  readonly density: readonly number[];
  /** Observations behind it. */
  readonly samples: number;
}

/** Where it would send a request. */
export interface PreviewAnswer {
  readonly about: 'preview';
  readonly key: InstanceKey | null;
  readonly tier: RouteTier;
  readonly byChance: boolean;
}

/** What a data plane answers. */
export type Answer = DensityAnswer | PreviewAnswer;

/** Null for what this data plane knows nothing of. */
export function answerTo(
  query: WorkerQuery,
  routers: ReadonlyMap<string, ServiceRouter>,
  nowMs: number,
): Answer | null {
  const router = routers.get(query.service);
  if (router === undefined) return null;
  if (query.about === 'preview') {
    const { candidate, tier, byChance } = router.preview(query.request, nowMs);
    return { about: 'preview', key: candidate?.key ?? null, tier, byChance };
  }
  const { key, gridMs } = query;
  const density = router.density(key, gridMs, nowMs);
  if (density === null) return null;
  for (const instance of router.instances(nowMs)) {
    if (instance.key === key) return { about: 'density', density, samples: instance.samples };
  }
  return null;
}

/** The mean, each by its samples; null of none. */
export function mergeDensities(answers: readonly DensityAnswer[]): number[] | null {
  const [first] = answers;
  if (first === undefined) return null;
  const total = answers.reduce((sum, { samples }) => sum + samples, 0);
  return first.density.map((_, i) =>
    answers.reduce((sum, { density, samples }) => {
      const share = total === 0 ? 1 / answers.length : samples / total;
      return sum + share * (density[i] ?? 0);
    }, 0),
  );
}
