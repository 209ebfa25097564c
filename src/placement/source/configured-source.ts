// A kind of source as the configuration wants it now. Its intake lives as long as the process, so that a reload takes nothing
// away before the changed source has spoken.

import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../../config/config.ts';
import type { Clock } from '../../core/clock.ts';
import type { Instance } from '../../core/domain.ts';
import type { Rng } from '../../core/rng.ts';
import { type Logger, RateLimitedLog } from '../../telemetry/log.ts';
import type { Acceptance } from '../acceptance.ts';
import type { DiscoveredSource } from '../cache/records.ts';
import { DnsSource } from './dns/dns-source.ts';
import { DockerSource } from './docker/docker-source.ts';
import { FileSource } from './file/file-source.ts';
import { type IntakeOptions, SourceIntake } from './intake.ts';
import { MdnsSource } from './mdns/mdns-source.ts';
import type { PlacementSource, SourceContext } from './source.ts';

export interface ConfiguredSourceOptions extends Omit<IntakeOptions, 'source'> {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** It has said what it knows, or what is wrong with it. */
  readonly onReported: () => void;
}

/** How a source is, for `qedge status`. */
export interface SourceState {
  readonly source: DiscoveredSource;
  /** What is wrong with it; null when nothing is. */
  readonly trouble: string | null;
  /** Instances of it that are known. */
  readonly instances: number;
  /** Instances that it announces and that are not used: of services not served here, or refused. */
  readonly leftOut: number;
}

interface Kind {
  /** What the source is made of: it is made again when that changes. */
  readonly concerns: (config: Config) => unknown;
  /** Null where the configuration has none. */
  readonly create: (config: Config, context: SourceContext) => PlacementSource | null;
}

const KINDS: Readonly<Record<DiscoveredSource, Kind>> = {
  file: {
    concerns: ({ placement }) => placement.file,
    create: ({ placement: { file } }, context) => (file === null ? null : new FileSource(file, context)),
  },
  docker: {
    concerns: ({ placement, node }) => placement.docker && [placement.docker, node.id],
    create: ({ placement: { docker }, node }, context) =>
      docker === null ? null : new DockerSource(docker, node.id, context),
  },
  dns: {
    concerns: ({ placement }) => placement.dns,
    create: ({ placement: { dns } }, context) => (dns === null ? null : new DnsSource(dns, context)),
  },
  mdns: {
    concerns: ({ placement, node }) => placement.mdns && [placement.mdns, node.id],
    create: ({ placement: { mdns } }, context) => (mdns === null ? null : new MdnsSource(mdns, context)),
  },
};

/** The same trouble is logged at most this often, ms. */
const LOG_INTERVAL_MS = 60_000;

export class ConfiguredSource {
  readonly #kind: DiscoveredSource;
  readonly #options: ConfiguredSourceOptions;
  readonly #intake: SourceIntake;
  readonly #troubles = new RateLimitedLog(LOG_INTERVAL_MS);
  #made: unknown = null;
  #source: PlacementSource | null = null;
  #trouble: string | null = null;
  #own: readonly Instance[] = [];
  hasReported = true;

  constructor(kind: DiscoveredSource, options: ConfiguredSourceOptions) {
    this.#kind = kind;
    this.#options = options;
    this.#intake = new SourceIntake({ ...options, source: kind });
  }

  get isWanted(): boolean {
    return this.#source !== null;
  }

  configure(config: Config, acceptance: Acceptance): void {
    this.#intake.review(acceptance);
    const { concerns, create } = KINDS[this.#kind];
    const made = concerns(config);
    if (isDeepStrictEqual(made, this.#made)) return;
    this.#made = made;
    void this.#source?.stop(false);
    this.#trouble = null;
    this.#source = create(config, this.#context(config.node.id));
    this.hasReported = this.#source === null;
    if (this.#source === null) this.#intake.take([]);
    else this.#source.start();
    this.#source?.offer?.(this.#own);
  }

  offer(own: readonly Instance[]): void {
    this.#own = own;
    this.#source?.offer?.(own);
  }

  async stop(succeeded: boolean): Promise<void> {
    const source = this.#source;
    this.#source = null;
    await source?.stop(succeeded);
  }

  /** Null where the configuration has none. */
  state(): SourceState | null {
    if (this.#source === null) return null;
    const { used, leftOut } = this.#intake.counts;
    return { source: this.#kind, trouble: this.#trouble, instances: used, leftOut };
  }

  /** What a source that was stopped still says is not heard. */
  #context(nodeId: string): SourceContext {
    const { cache, clock, rng, log, rejections } = this.#options;
    const made = this.#made;
    const heard = (say: () => void): void => {
      if (this.#made === made && this.#source !== null) say();
    };
    return {
      nodeId,
      clock,
      rng,
      log,
      kept: cache.claims.instancesOf(this.#kind),
      report: (all) =>
        heard(() => {
          this.#intake.take(all);
          this.#reported();
        }),
      refuse: (where, error) => heard(() => rejections.add(where, error)),
      setTrouble: (trouble) => heard(() => this.#setTrouble(trouble)),
    };
  }

  #reported(): void {
    if (this.hasReported) return;
    this.hasReported = true;
    this.#options.onReported();
  }

  #setTrouble(trouble: string | null): void {
    const before = this.#trouble;
    this.#trouble = trouble;
    const { log, clock } = this.#options;
    const source = this.#kind;
    if (trouble === null) {
      if (before !== null) log.info({ source }, 'source of placements is well again');
      return;
    }
    const suppressed = trouble === before ? null : this.#troubles.admit(trouble, clock.nowMs());
    this.#reported();
    if (suppressed !== null) log.warn({ source, reason: trouble, suppressed }, 'source of placements fails');
  }
}
