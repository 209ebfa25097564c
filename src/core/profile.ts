// What an instance gives and costs, as profiled beforehand: its accuracy, the energy and the time of a request, each by group of
// requests (say, the number of objects in a frame).

import { GROUPS_MAX, type Instance } from './domain.ts';
import { recordOf } from './snapshot-shape.ts';

/** What was measured of an instance, by group; the last value holds for all further groups. Null for unknown. */
export interface Profile {
  /** Such as the mAP, on any scale that all instances share. */
  readonly accuracy: readonly number[] | null;
  /** What a request takes, mWh. */
  readonly energyMwh: readonly number[] | null;
  /** How long a request takes on an idle instance, ms. */
  readonly inferenceMs: readonly number[] | null;
  /** What a request costs, in any currency that all instances share. */
  readonly cost: readonly number[] | null;
}

/** How the values of a profile are written, and what a person may write. */
const FIELDS = { accuracy: 'accuracy', energy_mwh: 'energyMwh', inference_ms: 'inferenceMs', cost: 'cost' } as const;
/** Fields that some policy reads. */
export const PROFILE_FIELDS: readonly string[] = [...Object.keys(FIELDS), 'capacity_rpm'];
/** Beyond it sums over groups and differences would leave the range of numbers, and one instance spoil the choice of all. */
const AMOUNT_MAX = 1e12;
const EXPECTED = `a number from 0 to ${AMOUNT_MAX}, or 1 to ${GROUPS_MAX} of them, one for each group`;

/** What of an instance's profile can be read; what cannot counts as not profiled. */
export function readProfile(raw: Instance['profile']): Profile {
  const { accuracy, energy_mwh: energyMwh, inference_ms: inferenceMs, cost } = recordOf(raw);
  return {
    accuracy: byGroup(accuracy),
    energyMwh: byGroup(energyMwh),
    inferenceMs: byGroup(inferenceMs),
    cost: byGroup(cost),
  };
}

/** What is wrong with a profile that a person wrote, by field; fields of other names are for others. */
export function profileProblems(raw: Readonly<Record<string, unknown>>): readonly { path: string; message: string }[] {
  const problems = Object.keys(FIELDS).flatMap((path) =>
    raw[path] === undefined || byGroup(raw[path]) !== null ? [] : [{ path, message: `expected ${EXPECTED}` }],
  );
  if (raw.capacity_rpm === undefined || capacityRpm(raw) !== null) return problems;
  return [...problems, { path: 'capacity_rpm', message: 'expected a number above 0' }];
}

/** Requests a minute that an instance takes; null where its profile does not say. */
export function capacityRpm(raw: Instance['profile']): number | null {
  const { capacity_rpm: rpm } = recordOf(raw);
  return isAmount(rpm) && rpm > 0 ? rpm : null;
}

/** The value for a group; NaN where there is none. */
export function ofGroup(values: readonly number[] | null, group: number): number {
  return values === null ? Number.NaN : (values[Math.min(group, values.length - 1)] as number);
}

/** Returns the mean over all groups alike; NaN where there is none. */
export function meanOf(values: readonly number[] | null): number {
  return values === null ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function byGroup(value: unknown): readonly number[] | null {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  const fits = values.length >= 1 && values.length <= GROUPS_MAX && values.every(isAmount);
  return fits ? (values as readonly number[]) : null;
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= AMOUNT_MAX;
}
