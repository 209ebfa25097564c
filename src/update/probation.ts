// The part of the running service in an update. On trial it watches itself and gives its verdict at the end of the
// probation; otherwise it records how well its clients fare, so that its successor can be compared with it.

import { readFileSync } from 'node:fs';
import type { Logger } from '../telemetry/log.ts';
import { type Layout, writeDurably } from './layout.ts';
import { QosGate, type QosShares } from './qos-gate.ts';
import { currentTrial, type Trial, type TrialVerdict, writeVerdict } from './trial.ts';

export interface ProbationOptions {
  readonly layout: Layout;
  /** Where verdict and record are written; null: nowhere, and the number of starts alone decides. */
  readonly stateDirectory: string | null;
  readonly probationMs: number;
  /** Share of satisfied clients that may be lost, 0 to 1. */
  readonly qosDropMax: number;
  readonly log: Logger;
  readonly shares: () => QosShares;
}

/** Weight of the latest minute in the record; less of a minute weighs less. */
const RECORD_GAIN = 0.2;
const RECORD_INTERVAL_MS = 60_000;
/** Smaller changes of the record are not worth a write to an SD card. */
const RECORD_CHANGE_MIN = 0.01;

export type ProbationState = 'recording' | 'on-trial' | 'accepted' | 'rejected';

/** Judges a new executable by the share of satisfied clients, beside what the old one achieved. */
export class Probation {
  readonly #options: ProbationOptions;
  readonly #startedMs: number;
  readonly #trial: Trial | null;
  readonly #gate: QosGate;
  /** Goes on from that of the run before. */
  readonly #record: Map<string, number>;
  #written: QosShares;
  #recordedMs: number;
  #state: ProbationState;

  constructor(options: ProbationOptions, nowMs: number) {
    this.#options = options;
    this.#startedMs = nowMs;
    this.#recordedMs = nowMs;
    this.#trial = currentTrial(options.layout);
    this.#written = readShares(options.stateDirectory);
    this.#record = new Map(this.#written);
    this.#gate = new QosGate(this.#written, options.qosDropMax);
    this.#state = this.#trial === null ? 'recording' : 'on-trial';
    if (this.#trial !== null) {
      const { version, starts } = this.#trial;
      options.log.info({ version, starts, probationMs: options.probationMs }, 'update is on trial');
    }
  }

  get state(): ProbationState {
    return this.#state;
  }

  /** Call it about once a second while it is on trial, else twice a minute. On `rejected`, exit with a failure. */
  tick(nowMs: number): ProbationState {
    if (this.#trial !== null && this.#state === 'on-trial') this.#watch(this.#trial, nowMs);
    else if (this.#state !== 'rejected' && nowMs - this.#recordedMs >= RECORD_INTERVAL_MS) this.#recordNow(nowMs);
    return this.#state;
  }

  /** Another executable was put in place of this one, and could not take over. */
  recordNeverServed(reason: string): void {
    const trial = currentTrial(this.#options.layout);
    const { stateDirectory, log } = this.#options;
    if (trial === null || trial.id === this.#trial?.id) return;
    log.error({ version: trial.version, reason }, 'update rejected before it served');
    this.#write(() => {
      if (stateDirectory !== null) writeVerdict(stateDirectory, { trialId: trial.id, outcome: 'never-served', reason });
    });
  }

  /** Writes the record when the service stops normally. */
  stop(nowMs: number): void {
    if (this.#state === 'recording' || this.#state === 'accepted') this.#recordNow(nowMs);
  }

  #watch(trial: Trial, nowMs: number): void {
    const { probationMs, shares } = this.#options;
    const elapsedMs = nowMs - this.#startedMs;
    if (elapsedMs >= probationMs / 2) this.#gate.observe(shares());
    if (elapsedMs < probationMs) return;
    const reason = this.#gate.failure();
    this.#conclude({ trialId: trial.id, outcome: reason === null ? 'accepted' : 'rejected', reason: reason ?? '' });
  }

  #conclude(verdict: TrialVerdict & { readonly outcome: 'accepted' | 'rejected' }): void {
    const { stateDirectory, log } = this.#options;
    this.#state = verdict.outcome;
    if (verdict.outcome === 'accepted') log.info('update accepted');
    else log.error({ reason: verdict.reason }, 'update rejected, rolling back to the previous version');
    this.#write(() => {
      if (stateDirectory !== null) writeVerdict(stateDirectory, verdict);
    });
  }

  #recordNow(nowMs: number): void {
    const gain = RECORD_GAIN * Math.min(1, (nowMs - this.#recordedMs) / RECORD_INTERVAL_MS);
    this.#recordedMs = nowMs;
    for (const [service, share] of this.#options.shares()) {
      const before = this.#record.get(service) ?? share;
      this.#record.set(service, before + gain * (share - before));
    }
    if (!differs(this.#record, this.#written)) return;
    const { stateDirectory } = this.#options;
    this.#write(() => {
      if (stateDirectory !== null)
        writeDurably(sharesPath(stateDirectory), JSON.stringify(Object.fromEntries(this.#record)));
      this.#written = new Map(this.#record);
    });
  }

  /** A full or read-only disk must not end the service. */
  #write(write: () => void): void {
    try {
      write();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log.warn({ reason }, 'update state not written');
    }
  }
}

const sharesPath = (stateDirectory: string): string => `${stateDirectory}/qos-shares.json`;

function readShares(stateDirectory: string | null): QosShares {
  if (stateDirectory === null) return new Map();
  try {
    const parsed: unknown = JSON.parse(readFileSync(sharesPath(stateDirectory), 'utf8'));
    return new Map(
      Object.entries(parsed ?? {}).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
    );
  } catch {
    return new Map();
  }
}

const differs = (a: QosShares, b: QosShares): boolean =>
  [...a].some(([service, share]) => {
    const before = b.get(service);
    return before === undefined || Math.abs(share - before) >= RECORD_CHANGE_MIN;
  });
