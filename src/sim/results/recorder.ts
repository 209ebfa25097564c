// Raw counts of one run, in typed arrays by second of emission: cheap while it runs, enough for every metric afterwards.

import { ofGroup, type Profile } from '../../core/profile.ts';
import { type Answer, RequirementCounts, type RequirementShape } from './requirement-counts.ts';

/** Histograms have bins of 1 ms; the last takes everything beyond. */
export const HISTOGRAM_BINS = 2_000;

export interface RecorderShape extends RequirementShape {
  readonly instances: number;
  readonly balancers: number;
  /** The profiles of the instances, in their order. */
  readonly profiles: readonly Profile[];
}

/** Sum over the answers of instances whose profile has a value. */
interface Tally {
  sum: number;
  answers: number;
}

/** Counts of one run. Allocates at its start only. */
export class Recorder {
  readonly shape: RecorderShape;
  readonly requirements: RequirementCounts;
  /** Requests a client sent within a second, and how many of these succeeded: [client × seconds + second]. */
  readonly sent: Uint32Array;
  readonly succeeded: Uint32Array;
  /** Attempts that reached an instance, by second: [instance × seconds + second]. */
  readonly arrivals: Uint32Array;
  /** Attempts that a load balancer sent to an instance: [balancer × instances + instance]. */
  readonly routed: Uint32Array;
  /** Processing latency (queueing and overhead included) of what an instance answered: [instance × bins + ms]. */
  readonly processing: Uint32Array;
  /** End-to-end latency of what was answered. */
  readonly latency = new Uint32Array(HISTOGRAM_BINS);
  /** Requests by how they ended. */
  readonly endings = { success: 0, late: 0, failed: 0, refused: 0, timeout: 0, noInstance: 0, shed: 0 };
  /** Latency of what was answered, ms. */
  latencySumMs = 0;
  /** What the answers cost and gave, by the profiles of their instances. */
  readonly energyMwh: Tally = { sum: 0, answers: 0 };
  readonly accuracy: Tally = { sum: 0, answers: 0 };
  attempts = 0;

  constructor(shape: RecorderShape) {
    this.shape = shape;
    this.requirements = new RequirementCounts(shape);
    this.sent = new Uint32Array(shape.clients * shape.seconds);
    this.succeeded = new Uint32Array(shape.clients * shape.seconds);
    this.arrivals = new Uint32Array(shape.instances * shape.seconds);
    this.routed = new Uint32Array(shape.balancers * shape.instances);
    this.processing = new Uint32Array(shape.instances * HISTOGRAM_BINS);
  }

  /** A request as a whole came to its end. */
  ended(client: number, emittedMs: number, ending: keyof Recorder['endings']): void {
    const at = client * this.shape.seconds + this.#second(emittedMs);
    (this.sent[at] as number)++;
    if (ending === 'success') (this.succeeded[at] as number)++;
    this.endings[ending]++;
  }

  answered(answer: Answer): void {
    const { latencyMs, instance, group } = answer;
    (this.latency[binOf(latencyMs)] as number)++;
    this.latencySumMs += latencyMs;
    const { energyMwh, accuracy } = this.shape.profiles[instance] as Profile;
    add(this.energyMwh, ofGroup(energyMwh, group));
    add(this.accuracy, ofGroup(accuracy, group));
    this.requirements.answered(answer);
  }

  /** How accurate an answer to the group is there, by the profile of the instance; NaN where that does not say. */
  accuracyOf(instance: number, group: number): number {
    return ofGroup((this.shape.profiles[instance] as Profile).accuracy, group);
  }

  routedTo(balancer: number, instance: number): void {
    (this.routed[balancer * this.shape.instances + instance] as number)++;
    this.attempts++;
  }

  arrived(instance: number, nowMs: number): void {
    (this.arrivals[instance * this.shape.seconds + this.#second(nowMs)] as number)++;
  }

  processed(instance: number, processingMs: number): void {
    (this.processing[instance * HISTOGRAM_BINS + binOf(processingMs)] as number)++;
  }

  #second(nowMs: number): number {
    return Math.min(this.shape.seconds - 1, Math.floor(nowMs / 1_000));
  }
}

/** NaN is no value. */
function add(tally: Tally, value: number): void {
  if (Number.isNaN(value)) return;
  tally.sum += value;
  tally.answers++;
}

function binOf(ms: number): number {
  return Math.min(HISTOGRAM_BINS - 1, Math.floor(ms));
}
