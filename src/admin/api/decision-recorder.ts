// Records what a service's router decides and what comes of it, for a while, as lines of JSON. Nothing is recorded unless
// asked for; until then an attempt costs one comparison.

import type { Clock } from '../../core/clock.ts';
import { DECISION_LOG_VERSION, type DecisionLogHeader, type DecisionLogLine } from '../../core/decision-log.ts';
import type { Candidate, InstanceKey } from '../../core/domain.ts';
import type { Ticket } from '../../core/service-router.ts';
import type { ObservedService } from '../state/reader.ts';

export interface DecisionRecorderOptions {
  readonly service: ObservedService;
  readonly nodeId: string;
  readonly clock: Clock;
  /** Attempts after which it stops by itself. */
  readonly attemptsMax: number;
  readonly write: (line: DecisionLogHeader | DecisionLogLine) => void;
  /** It is over: `attemptsMax` is reached, or the service is another one after a reload. */
  readonly onEnd: () => void;
}

interface Begun {
  readonly atMs: number;
  readonly key: InstanceKey;
  readonly weight: number;
}

/** How often arrivals, departures and round trips are looked for, ms. */
const LOOK_INTERVAL_MS = 1_000;
/** Round trips that moved by less than this are not worth a line, ms. */
const RTT_MOVE_MS_MIN = 0.1;

export class DecisionRecorder {
  readonly #options: DecisionRecorderOptions;
  readonly #startMs: number;
  readonly #begun = new Map<Ticket, Begun>();
  readonly #known = new Map<InstanceKey, { readonly availability: string; readonly rttMs: number }>();
  #timer: NodeJS.Timeout | null = null;
  #attempts = 0;

  constructor(options: DecisionRecorderOptions) {
    this.#options = options;
    this.#startMs = options.clock.nowMs();
  }

  start(): void {
    const { service, nodeId, clock, write } = this.#options;
    const { policy, qos } = service.overview(clock.nowMs());
    write({ kind: 'header', version: DECISION_LOG_VERSION, service: service.service, nodeId, policy, qos });
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS);
    service.setTap({
      started: (ticket, candidate, weight, nowMs) => this.#started(ticket, candidate, weight, nowMs),
      finished: (ticket, result, latencyMs) => {
        const begun = this.#begun.get(ticket);
        this.#begun.delete(ticket);
        if (begun === undefined || this.#attempts >= this.#options.attemptsMax) return;
        write({ kind: 'attempt', ...begun, latencyMs: rounded(latencyMs), result });
        this.#attempts++;
        if (this.#attempts === this.#options.attemptsMax) this.#options.onEnd();
      },
      ended: () => this.#options.onEnd(),
    });
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#options.service.setTap(null);
  }

  #started(ticket: Ticket, candidate: Candidate, weight: number, nowMs: number): void {
    if (!this.#known.has(candidate.key)) this.#look();
    this.#begun.set(ticket, { atMs: this.#at(nowMs), key: candidate.key, weight: Math.round(weight * 1e6) / 1e6 });
  }

  #look(): void {
    const { service, clock, write } = this.#options;
    const atMs = this.#at(clock.nowMs());
    const live = new Set<InstanceKey>();
    for (const { key, instance, availability, rttMs, rttKnown } of service.candidates) {
      live.add(key);
      const known = this.#known.get(key);
      const same = known?.availability === availability && Math.abs(known.rttMs - rttMs) < RTT_MOVE_MS_MIN;
      if (same) continue;
      this.#known.set(key, { availability, rttMs });
      write({ kind: 'instance', atMs, instance, availability, rttMs: rttKnown ? rounded(rttMs) : null });
    }
    for (const key of this.#known.keys()) {
      if (live.has(key)) continue;
      this.#known.delete(key);
      write({ kind: 'gone', atMs, key });
    }
  }

  #at(nowMs: number): number {
    return rounded(nowMs - this.#startMs);
  }
}

const rounded = (valueMs: number): number => Math.round(valueMs * 100) / 100;
