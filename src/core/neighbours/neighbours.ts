// What load balancers near by send one another of the instances of a service. How long an instance takes is the same for all that ask; only
// the way there differs. So what others saw is what to expect of an instance until there are own samples, and how sure that is, discounted
// and bounded. It stands in no cost beside own samples: load balancers that step by the same estimates follow one another. It trips no
// cooldown. A neighbour that is often wrong is ignored for a minute.

import type { Candidate, InstanceKey } from '../domain.ts';
import type { Hearsay, HearsayLook } from './hearsay.ts';
import { add, answersIn, CELLS, countBefore, FAILURES, positionOf } from './histogram.ts';
import { IGNORED_MS, Neighbour, say, type Verdict } from './neighbour.ts';
import { OwnObservations } from './own-observations.ts';
import { type Observed, SAID_MAX, type Summary } from './summary.ts';
import { Trust } from './trust.ts';

/** κ, what a neighbour's sample is worth beside one's own. More, and load balancers follow one another. */
const WORTH = 0.3;
/** The share of the bound that one neighbour may fill. */
const SHARE_OF_ONE = 0.25;
/** A failure is believed when so many have seen one: a single one may have sent something that fails. */
const FAILING_NEIGHBOURS = 3;
/** So many late answers, fading, are seen by a neighbour; and hardly one is in time where no more than this share is. */
const LATE_MIN = 0.7;
const IN_TIME_MAX = 0.2;
/** More are not remembered; the driver listens to fewer. */
const NEIGHBOURS_MAX = 64;

/** One that says nothing for so long is forgotten; that it was wrong is not, before it would be believed again. */
const FORGOTTEN_MS = 2 * IGNORED_MS;

const RIGHT: Verdict = { kind: 'right' };
const UNKNOWN: Verdict = { kind: 'unknown' };

/** A neighbour as people are shown it. */
export interface NeighbourState {
  readonly nodeId: string;
  readonly heardAgeMs: number;
  /** Whether nothing came for so long that what it said counts for nothing. */
  readonly silent: boolean;
  /** Summaries heard, all time. */
  readonly summaries: number;
  readonly instances: number;
  /** Its samples of all instances, discounted: what they would count for now if they were not bounded. */
  readonly samples: number;
  /** How long it is still ignored, ms; 0 when it is not. */
  readonly ignoredMs: number;
  /** The instance that it was wrong about; null when it is not ignored. */
  readonly wrongOver: InstanceKey | null;
}

/** All neighbours of a service as people are shown them. */
export interface NeighboursState {
  /** Whether what they saw is what to expect beside own samples; if not, it is judged and shown alone. */
  readonly use: boolean;
  readonly heard: readonly NeighbourState[];
}

/** How neighbours' summaries are used. */
export interface NeighbourUse {
  /** Whether what they saw is what to expect beside own samples; if not, it is judged and shown alone. */
  readonly use: boolean;
  /** Samples that they count as at the most, for an instance. */
  readonly samplesMax: number;
}

export interface NeighboursOptions {
  /** τ. */
  readonly latencyMs: number;
  /** Whether what they saw is what to expect beside own samples; if not, it is judged and shown alone. */
  readonly use: boolean;
  readonly samplesMax: number;
  readonly nowMs: number;
  readonly candidates: () => readonly Candidate[];
  readonly handleOf: (key: InstanceKey) => number | undefined;
  /** Ages of the requests in flight there, ms, that are at least `fromMs` and below `toMs`. */
  readonly agesMs: (handle: number, fromMs: number, toMs: number, nowMs: number) => readonly number[];
  readonly perSecond: (handle: number, nowMs: number) => number;
  /** Own requests in flight there. */
  readonly inFlight: (handle: number) => number;
  readonly onIgnored: (nodeId: string, wrongOver: InstanceKey, untilMs: number) => void;
}

/** What one router exchanges with its neighbours. */
export class Neighbours implements Hearsay {
  readonly #options: NeighboursOptions;
  readonly #own: OwnObservations;
  readonly #trust: Trust;
  readonly #byNode = new Map<string, Neighbour>();
  readonly #pooled = new Float64Array(CELLS);
  weight = 0;
  failing = false;
  lately = 0;
  latelyInTime = 0;
  voices = 0;

  constructor(options: NeighboursOptions) {
    this.#options = options;
    this.#own = new OwnObservations(options.nowMs);
    this.#trust = new Trust(options.latencyMs);
  }

  // ---- one's own ----

  /** Counts an attempt answered after `latencyMs`, null if it failed. Allocates at the first answer of a span only. */
  observe(to: Candidate, latencyMs: number | null, startMs: number): void {
    if (latencyMs === null) this.#own.observe(to.handle, null);
    // What was late in flight when a span ended was seen then.
    else if (isWayKnown(to) && startMs + this.#options.latencyMs > this.#own.takenMs)
      this.#own.observe(to.handle, latencyMs - to.rttMs);
  }

  /** Forgets the instance of the handle, which is gone or new. */
  forget(handle: number): void {
    this.#own.forget(handle);
    for (const { heard } of this.#byNode.values()) heard.delete(handle);
  }

  /** Returns what was seen since the last call, of many instances the busiest; null for nothing. */
  summarize(nowMs: number): Summary | null {
    const spanMs = this.#own.spanMs(nowMs);
    const instances: Observed[] = [];
    for (const candidate of this.#options.candidates()) {
      const { handle, key } = candidate;
      this.#observeOverdue(candidate, nowMs);
      const cells = this.#own.since(handle);
      if (cells === undefined) continue;
      const perSecond = this.#options.perSecond(handle, nowMs);
      const counts = Array.from(cells.subarray(0, FAILURES));
      const inFlight = this.#options.inFlight(handle);
      instances.push({ key, counts, failures: cells[FAILURES] as number, perSecond, inFlight });
    }
    this.#own.turn(nowMs);
    for (const [nodeId, { heardMs }] of this.#byNode) if (nowMs - heardMs > FORGOTTEN_MS) this.#byNode.delete(nodeId);
    if (instances.length === 0 || !(spanMs > 0)) return null;
    instances.sort((a, b) => b.perSecond - a.perSecond);
    return { spanMs, instances: instances.slice(0, SAID_MAX) };
  }

  /** What became late in flight in this span: of an instance that hangs, or has a long queue, this is what is known first. */
  #observeOverdue(to: Candidate, nowMs: number): void {
    const { agesMs, latencyMs } = this.#options;
    if (!isWayKnown(to)) return;
    const toMs = latencyMs + this.#own.spanMs(nowMs);
    for (const ageMs of agesMs(to.handle, latencyMs, toMs, nowMs)) this.#own.observe(to.handle, ageMs - to.rttMs);
  }

  // ---- the others' ----

  hear(nodeId: string, summary: Summary, nowMs: number): void {
    let neighbour = this.#byNode.get(nodeId);
    if (neighbour === undefined) {
      if (this.#byNode.size >= NEIGHBOURS_MAX) return;
      neighbour = new Neighbour(nodeId, nowMs);
      this.#byNode.set(nodeId, neighbour);
    }
    neighbour.hear(summary, this.#options.handleOf, nowMs);
    const verdict = this.#verdictOn(neighbour, nowMs);
    if (neighbour.judge(verdict, nowMs) && verdict.kind === 'wrong')
      this.#options.onIgnored(nodeId, verdict.over, nowMs + IGNORED_MS);
  }

  look(handle: number, { limitMs, ownWeight, nowMs }: HearsayLook): void {
    this.weight = 0;
    this.failing = false;
    this.lately = 0;
    this.latelyInTime = 0;
    this.voices = 0;
    if (!this.#options.use) return;
    const position = positionOf(limitMs);
    this.failing = this.#isFailing(handle, position, nowMs);
    const most = this.#weightMax(ownWeight);
    for (const neighbour of this.#byNode.values()) {
      const heard = neighbour.heard.get(handle);
      const freshness = neighbour.freshness(nowMs);
      if (heard === undefined || freshness === 0 || neighbour.isIgnored(nowMs)) continue;
      const { recent, judged } = heard;
      this.#addLately(judged, position);
      const answers = answersIn(recent);
      const all = this.failing ? answers + (recent[FAILURES] as number) : answers;
      this.weight += Math.min(WORTH * freshness * all, SHARE_OF_ONE * most);
    }
    this.weight = Math.min(this.weight, most);
  }

  sentPerSecond(handle: number, nowMs: number): number {
    if (!this.#options.use) return 0;
    let sent = 0;
    for (const neighbour of this.#byNode.values()) {
      if (!neighbour.isIgnored(nowMs)) sent += neighbour.perSecond(handle, nowMs);
    }
    return sent;
  }

  state(nowMs: number): NeighboursState {
    const heard = [...this.#byNode.values()].map((neighbour) => ({
      nodeId: neighbour.nodeId,
      heardAgeMs: nowMs - neighbour.heardMs,
      silent: neighbour.isSilent(nowMs),
      summaries: neighbour.summaries,
      instances: neighbour.heard.size,
      samples: WORTH * neighbour.freshness(nowMs) * neighbour.answers(),
      ignoredMs: Math.max(0, neighbour.ignoredUntilMs - nowMs),
      wrongOver: neighbour.isIgnored(nowMs) ? neighbour.wrongOver : null,
    }));
    return { use: this.#options.use, heard };
  }

  #addLately(judged: Float64Array, position: number): void {
    const answers = answersIn(judged);
    if (answers === 0) return;
    const kept = say(judged);
    this.voices++;
    this.lately += kept * answers;
    this.latelyInTime += kept * countBefore(judged, position);
  }

  /**
   * What all others say together may weigh. The more is seen here, the less it is needed, and it weighs no more than what is seen here and one
   * sample more, however many samples are claimed: requests that follow a lie bring own samples, which outweigh it.
   */
  #weightMax(ownWeight: number): number {
    return Math.min(this.#options.samplesMax / (1 + ownWeight), 1 + ownWeight);
  }

  /**
   * Several see requests fail there, or late answers of the last half minute and hardly one before `position` between all of them and this
   * one. Each has the same say, however much it claims to have seen.
   */
  #isFailing(handle: number, position: number, nowMs: number): boolean {
    const own = this.#own.judged(handle);
    let failing = 0;
    let late = 0;
    let answers = own === undefined ? 0 : say(own) * answersIn(own);
    let inTime = own === undefined ? 0 : say(own) * countBefore(own, position);
    for (const neighbour of this.#byNode.values()) {
      if (neighbour.isIgnored(nowMs)) continue;
      if (neighbour.isFailing(handle, nowMs)) failing++;
      const judged = neighbour.heard.get(handle)?.judged;
      if (judged === undefined || neighbour.freshness(nowMs) === 0) continue;
      const all = answersIn(judged);
      const before = countBefore(judged, position);
      if (all - before >= LATE_MIN) late++;
      answers += say(judged) * all;
      inTime += say(judged) * before;
    }
    return failing >= FAILING_NEIGHBOURS || (late >= FAILING_NEIGHBOURS && inTime <= IN_TIME_MAX * answers);
  }

  /** Returns what was seen in the last half minute here and by all believed neighbours but one. */
  #seenByOthers(handle: number, except: Neighbour, nowMs: number): Float64Array {
    const cells = this.#pooled.fill(0);
    const own = this.#own.judged(handle);
    if (own !== undefined) add(cells, own);
    for (const neighbour of this.#byNode.values()) {
      const judged = neighbour.heard.get(handle)?.judged;
      if (neighbour === except || judged === undefined) continue;
      if (neighbour.isIgnored(nowMs) || neighbour.freshness(nowMs) === 0) continue;
      add(cells, judged, say(judged));
    }
    return cells;
  }

  /**
   * Wrong over the first instance about which it says what cannot be. What was seen here decides; where that is too little, it together
   * with what all the others that are believed say, of which each has the same say.
   */
  #verdictOn(neighbour: Neighbour, nowMs: number): Verdict {
    let verdict: Verdict = UNKNOWN;
    for (const { handle, key } of this.#options.candidates()) {
      const said = neighbour.heard.get(handle)?.judged;
      if (said === undefined) continue;
      const own = this.#own.judged(handle);
      const agreesHere = own === undefined ? null : this.#trust.agree(own, said);
      const agree = agreesHere ?? this.#trust.agree(this.#seenByOthers(handle, neighbour, nowMs), said);
      if (agree === false) return { kind: 'wrong', over: key };
      if (agree === true) verdict = RIGHT;
    }
    return verdict;
  }
}

/** Whether the round trip is measured: where it is only guessed, so is the processing latency. */
function isWayKnown({ rttKnown, local, instance }: Candidate): boolean {
  return rttKnown || local || instance.rttMs != null;
}
