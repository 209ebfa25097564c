// Measures the network distance of every node, all the time, within a budget.
//
//   setTarget(node, where) → rotation: whose turn → measure → median of the last 5 → onRtt, and onEnvironmentChange
//
// A failed probe says nothing about distance and changes no estimate; it is counted. Nor does an answer that this process
// was too busy to read in time, or the first one of a node, which meets cold code on both sides; and what an earlier run
// measured is replaced by no fewer than three samples.

import type { Agent } from 'node:http';
import type { ProbeConfig } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { Rng } from '../core/rng.ts';
import { DueTimer } from '../net/due-timer.ts';
import type { ProbeTarget } from '../net/endpoint.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { ClockOffset } from './clock-offset.ts';
import { LoopWatch } from './loop-watch.ts';
import { connectTime, createPingAgent, ping } from './measure.ts';
import { ProbeRotation } from './probe-rotation.ts';
import { RttEstimate } from './rtt-estimate.ts';

export interface ProberOptions {
  readonly config: ProbeConfig;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** A node answered, even where its answer says nothing of its distance. */
  readonly onAnswer: (nodeId: string) => void;
  /** The RTT of a node as it stands after a probe, ms. */
  readonly onRtt: (nodeId: string, rttMs: number) => void;
  /** The clock of a node agrees with this one's from now on, or does no more. */
  readonly onClock: (nodeId: string, agrees: boolean) => void;
  /** The RTT of a node made a step of more than `config.changeRatio`: the network there is another one. */
  readonly onEnvironmentChange: (change: {
    readonly nodeId: string;
    readonly fromMs: number;
    readonly toMs: number;
  }) => void;
}

/** The round trip to one node, ms, and how it is measured. */
export interface ProbeState {
  readonly nodeId: string;
  /** Null before the first answer. */
  readonly rttMs: number | null;
  readonly method: 'ping' | 'connect';
  /** Probes without an answer since the last one that had one. */
  readonly failures: number;
  /** Milliseconds since the last answer; null before the first. */
  readonly ageMs: number | null;
}

/** Measures the round trip to each node that it is given, in turn, within a bound of probes a second. */
export interface Prober {
  /** An earlier run measured the node. Before it is first aimed at. */
  know(nodeId: string): void;
  /** Where the node is to be measured from now on; null: not any more. */
  setTarget(nodeId: string, target: ProbeTarget | null): void;
  start(): void;
  /** Ends probing and closes the kept connections. */
  stop(): void;
  /** The settings of a reloaded configuration. */
  configure(config: ProbeConfig): void;
  state(): readonly ProbeState[];
}

interface Probed {
  target: ProbeTarget;
  estimate: RttEstimate;
  clock: ClockOffset;
  inFlight: boolean;
  failures: number;
  answeredMs: number | null;
  /** Samples to come before one is reported. */
  samplesPending: number;
  /** The first answer came. */
  warm: boolean;
  /** Samples in a row that were read too late to be believed, ms. */
  dropped: number[];
}

/** Samples that together replace what an earlier run measured. */
const SAMPLES_TO_REPLACE = 3;
/** An answer that may have been read later than this, ms, or than this share of its round trip, is not believed. */
const LATE_MS_MAX = 2;
const LATE_RATIO_MAX = 0.25;
/** So many in a row are dropped for that. */
const DROPPED_MAX = 5;
/** Bound on nodes that are measured; those beyond it keep the router's assumption. */
const NODES_MAX = 10_000;
/** Probes of a node that may fail before its first answer: then it is said, once, since it may never come into reach. */
const UNANSWERED_MAX = 3;
/** With more nodes than this, each round takes so long that kept connections would time out before their next use. */
const KEPT_CONNECTIONS_MAX = 256;

/** Starts nothing; `start` does. */
export function createProber(options: ProberOptions): Prober {
  return new RotatingProber(options);
}

class RotatingProber implements Prober {
  readonly #options: ProberOptions;
  readonly #probed = new Map<string, Probed>();
  readonly #known = new Set<string>();
  readonly #loop: LoopWatch;
  readonly #answered;
  readonly #failed;
  #config: ProbeConfig;
  #rotation: ProbeRotation;
  #agent: Agent = createPingAgent();
  readonly #timer: DueTimer;

  constructor(options: ProberOptions) {
    const { config, metrics, rng } = options;
    this.#options = options;
    this.#config = config;
    this.#rotation = new ProbeRotation({ ...config, rng });
    this.#loop = new LoopWatch(options.clock);
    this.#timer = new DueTimer({
      clock: options.clock,
      nextMs: () => this.#rotation.nextMs,
      onDue: () => this.#probeNext(),
    });
    const probes = metrics.counter({
      name: 'qedge_probes_total',
      help: 'RTT probes of nodes, by outcome.',
      labels: ['outcome'],
    });
    this.#answered = probes.with('answered');
    this.#failed = probes.with('failed');
    const nodes = metrics.gauge({ name: 'qedge_probe_nodes', help: 'Nodes that are probed.' }).with();
    metrics.onScrape(() => nodes.set(this.#probed.size));
  }

  know(nodeId: string): void {
    if (this.#known.size < NODES_MAX) this.#known.add(nodeId);
  }

  setTarget(nodeId: string, target: ProbeTarget | null): void {
    if (target === null) {
      this.#probed.get(nodeId)?.clock.end();
      this.#probed.delete(nodeId);
      this.#rotation.remove(nodeId);
    } else if (this.#probed.has(nodeId) || this.#probed.size < NODES_MAX) {
      this.#aim(nodeId, target);
    }
    this.#timer.aim();
  }

  start(): void {
    this.#timer.start();
  }

  stop(): void {
    this.#timer.stop();
    this.#agent.destroy();
    this.#agent = createPingAgent();
  }

  configure(config: ProbeConfig): void {
    this.#config = config;
    this.#rotation = new ProbeRotation({ ...config, rng: this.#options.rng });
    for (const [nodeId, { estimate }] of this.#probed) {
      estimate.changeRatio = config.changeRatio;
      this.#rotation.add(nodeId);
    }
    this.#timer.aim();
  }

  state(): readonly ProbeState[] {
    const nowMs = this.#options.clock.nowMs();
    return [...this.#probed].map(([nodeId, { estimate, target, failures, answeredMs }]) => ({
      nodeId,
      rttMs: estimate.rttMs,
      method: target.ping === null ? 'connect' : 'ping',
      failures,
      ageMs: answeredMs === null ? null : nowMs - answeredMs,
    }));
  }

  /** What was measured stays as long as the host does: another instance there is as far away. */
  #aim(nodeId: string, target: ProbeTarget): void {
    const known = this.#probed.get(nodeId);
    if (known !== undefined && hostOf(known.target) === hostOf(target)) {
      known.target = target;
      return;
    }
    known?.clock.end();
    const samplesPending = this.#known.delete(nodeId) ? SAMPLES_TO_REPLACE - 1 : 0;
    this.#probed.set(nodeId, {
      target,
      estimate: new RttEstimate(this.#config.changeRatio),
      clock: new ClockOffset((agrees) => this.#options.onClock(nodeId, agrees)),
      inFlight: false,
      failures: 0,
      answeredMs: null,
      samplesPending,
      warm: false,
      dropped: [],
    });
    this.#rotation.add(nodeId);
  }

  #probeNext(): void {
    const nodeId = this.#rotation.take(this.#options.clock.nowMs());
    const probed = nodeId === null ? undefined : this.#probed.get(nodeId);
    if (nodeId !== null && probed !== undefined && !probed.inFlight) void this.#probe(nodeId, probed);
  }

  async #probe(nodeId: string, probed: Probed): Promise<void> {
    probed.inFlight = true;
    const watching = this.#loop.begin();
    try {
      const sampleMs = await this.#measure(probed);
      const lateMs = watching.end();
      if (!this.#timer.running || this.#probed.get(nodeId) !== probed) return;
      this.#answer(nodeId, probed);
      if (!this.#isWarm(nodeId, probed)) return;
      const isLate = lateMs > Math.max(LATE_MS_MAX, LATE_RATIO_MAX * sampleMs);
      if (isLate && probed.dropped.push(sampleMs) <= DROPPED_MAX) {
        if (probed.estimate.rttMs === null) this.#askAgain(nodeId);
        return;
      }
      // A process that is always late still has to know its distances: what it read the soonest comes nearest.
      this.#learn(nodeId, probed, isLate ? Math.min(...probed.dropped) : sampleMs);
      probed.dropped = [];
    } catch (error) {
      watching.end();
      if (this.#timer.running) this.#miss(nodeId, probed, error);
    } finally {
      probed.inFlight = false;
    }
  }

  #measure({ target: { ping: endpoint, connect }, clock }: Probed): Promise<number> {
    const onClock = (aheadMs: number): void => clock.add(aheadMs);
    const options = { clock: this.#options.clock, timeoutMs: this.#config.timeoutMs, onClock };
    if (endpoint === null) return connectTime(connect, options);
    return ping(endpoint, this.#probed.size <= KEPT_CONNECTIONS_MAX ? this.#agent : false, options);
  }

  #answer(nodeId: string, probed: Probed): void {
    this.#answered.increment();
    probed.failures = 0;
    probed.answeredMs = this.#options.clock.nowMs();
    this.#options.onAnswer(nodeId);
  }

  /** Whether the node answered before; one that did not is asked again at once, unless there are too many for that. */
  #isWarm(nodeId: string, probed: Probed): boolean {
    if (probed.warm || this.#probed.size > KEPT_CONNECTIONS_MAX) return true;
    probed.warm = true;
    this.#askAgain(nodeId);
    return false;
  }

  /** Before its turn: while its distance is unknown, its instances may not even be listened to. */
  #askAgain(nodeId: string): void {
    if (this.#probed.size > KEPT_CONNECTIONS_MAX) return;
    this.#rotation.add(nodeId);
    this.#timer.aim();
  }

  #learn(nodeId: string, probed: Probed, sampleMs: number): void {
    const { rttMs, stepFromMs } = probed.estimate.add(sampleMs);
    if (probed.samplesPending > 0) {
      probed.samplesPending--;
      return;
    }
    this.#options.onRtt(nodeId, rttMs);
    if (stepFromMs === null) return;
    this.#options.onEnvironmentChange({ nodeId, fromMs: stepFromMs, toMs: rttMs });
  }

  #miss(nodeId: string, probed: Probed, error: unknown): void {
    this.#failed.increment();
    probed.failures++;
    const reason = error instanceof Error ? error.message : String(error);
    const { log } = this.#options;
    log.debug({ peer: nodeId, failures: probed.failures, reason }, 'probe failed');
    if (probed.answeredMs !== null || probed.failures !== UNANSWERED_MAX) return;
    const { ping: at, connect } = probed.target;
    const where = (at === null ? connect : [at]).map(({ host, port }) => `${host}:${port}`).join(' ');
    log.warn({ peer: nodeId, at: where, reason }, 'node cannot be probed, its distance stays unknown');
  }
}

function hostOf({ ping: endpoint, connect }: ProbeTarget): string | undefined {
  return endpoint?.host ?? connect[0]?.host;
}
