// The sources beside the broker, as the configuration wants them, and how near what they speak of is.

import type { Config } from '../../config/config.ts';
import type { Instance } from '../../core/domain.ts';
import type { Acceptance } from '../acceptance.ts';
import { DISCOVERED, type DiscoveredSource } from '../cache/records.ts';
import { Reach, type ReachChange } from '../reach.ts';
import { ConfiguredSource, type ConfiguredSourceOptions, type SourceState } from './configured-source.ts';

export interface SourcesOptions extends Omit<ConfiguredSourceOptions, 'isNear'> {
  /** Last known RTT of a node, ms. */
  readonly rttMs: (nodeId: string) => number | undefined;
}

/** All sources beside the broker. Where `placement.reach` says so, instances on nodes that are too far away count as out of reach. */
export class Sources {
  readonly #options: SourcesOptions;
  readonly #all: readonly ConfiguredSource[];
  #config: Config | null = null;
  #reach = new Reach(new Map());

  constructor(options: SourcesOptions) {
    const isNear = (nodeId: string, service: string): boolean => this.#isNear(nodeId, service);
    this.#options = options;
    this.#all = DISCOVERED.map((kind) => new ConfiguredSource(kind, { ...options, isNear }));
  }

  /** Starts what is wanted and not there, ends what is not wanted, and judges what is known by the configuration. */
  configure(config: Config, acceptance: Acceptance): void {
    this.#config = config;
    this.#reach = new Reach(new Map(config.services.map(({ name, qos }) => [name, qos.latencyMs])));
    for (const one of this.#all) one.configure(config, acceptance);
  }

  /** What this node itself announces now. */
  offer(own: readonly Instance[]): void {
    for (const one of this.#all) one.offer(own);
  }

  /** `succeeded`: another process of this node goes on with what is announced. */
  async stop(succeeded: boolean): Promise<void> {
    await Promise.all(this.#all.map((one) => one.stop(succeeded)));
  }

  /** Each has said what it knows, or what is wrong with it. */
  get allReported(): boolean {
    return this.#all.every(({ hasReported }) => hasReported);
  }

  /** The RTT of a node was measured, ms. */
  observeRtt(nodeId: string, rttMs: number): void {
    if (this.#usesReach) this.#moved(nodeId, this.#reach.observe(nodeId, rttMs));
  }

  /** Nothing is left to measure there. */
  forget(nodeId: string): void {
    this.#reach.forget(nodeId);
  }

  /** State of each source that the configuration asks for. */
  states(): readonly SourceState[] {
    return this.#all.flatMap((one) => one.state() ?? []);
  }

  get #usesReach(): boolean {
    return this.#config?.placement.reach === true && this.#all.some(({ isWanted }) => isWanted);
  }

  /** What was never measured counts as near: it is measured by its instances. */
  #isNear(nodeId: string, service: string): boolean {
    if (!this.#usesReach) return true;
    const rttMs = this.#options.rttMs(nodeId);
    if (rttMs === undefined) this.#reach.assume(nodeId);
    else this.#moved(nodeId, this.#reach.observe(nodeId, rttMs));
    return this.#reach.has(nodeId, service);
  }

  #moved(nodeId: string, { entered, left }: ReachChange): void {
    const { cache, clock } = this.#options;
    const nowMs = clock.nowMs();
    for (const service of entered) cache.claims.observeReach({ nodeId, service }, true, nowMs);
    for (const service of left) cache.claims.observeReach({ nodeId, service }, false, nowMs);
  }
}

/** Sources that the configuration asks for. */
export const wantedSources = ({ placement }: Config): readonly DiscoveredSource[] =>
  DISCOVERED.filter((kind) => placement[kind] !== null);
