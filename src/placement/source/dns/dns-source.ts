// Instances that DNS names. Each name is asked for again when its answer is out of date. While no server answers, the last answer
// stands, for so long and no longer (RFC 8767); when a server says that there is nothing, nothing is there.

import type { ServiceName } from '../../../config/schema/placement/sources.ts';
import type { HostPort, Instance } from '../../../core/domain.ts';
import { backoffMs } from '../../backoff.ts';
import type { PlacementSource, SourceContext } from '../source.ts';
import { NameServers } from './resolver.ts';
import { resolveName } from './service-name.ts';

/** `[placement.dns]`. */
export interface DnsSourceConfig {
  readonly names: Readonly<Record<string, readonly ServiceName[]>>;
  readonly servers: readonly HostPort[];
  readonly staleMs: number;
}

interface Asked {
  readonly service: string;
  readonly name: ServiceName;
  /** As last answered; null before the first answer. */
  instances: readonly Instance[] | null;
  /** When that answer is out of date. */
  untilMs: number;
  /** Askings since the last answer. */
  failures: number;
  trouble: string | null;
  timer: NodeJS.Timeout | null;
}

/** An answer that holds for no time is asked for again after this, ms; one that holds for days after the other. */
const AGAIN_MS_MIN = 1_000;
const AGAIN_MS_MAX = 3_600_000;

/** Asks for every configured name again when its answer is out of date. */
export class DnsSource implements PlacementSource {
  readonly #config: DnsSourceConfig;
  readonly #context: SourceContext;
  readonly #servers: NameServers;
  readonly #asked: readonly Asked[];
  /** What a restart brought back: stands in for names that were not answered yet. */
  readonly #kept: readonly Instance[];
  #stopped = false;

  constructor(config: DnsSourceConfig, context: SourceContext) {
    this.#config = config;
    this.#context = context;
    this.#servers = new NameServers(config.servers);
    this.#kept = context.kept;
    const untilMs = context.clock.nowMs();
    this.#asked = Object.entries(config.names).flatMap(([service, names]) =>
      names.map((name): Asked => {
        return { service, name, instances: null, untilMs, failures: 0, trouble: null, timer: null };
      }),
    );
  }

  start(): void {
    for (const asked of this.#asked) void this.#ask(asked);
    // Nothing is waited for where there is no name to ask for.
    this.#report();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { timer } of this.#asked) if (timer !== null) clearTimeout(timer);
  }

  async #ask(asked: Asked): Promise<void> {
    const { clock, rng } = this.#context;
    const { service, name } = asked;
    try {
      const before = asked.instances ?? this.#kept;
      const { instances, ttlSeconds, trouble } = await resolveName(this.#servers, { service, name, before });
      const againMs = Math.min(AGAIN_MS_MAX, Math.max(AGAIN_MS_MIN, ttlSeconds * 1000));
      Object.assign(asked, { instances, untilMs: clock.nowMs() + againMs, failures: 0, trouble });
      this.#askIn(asked, againMs);
    } catch (error) {
      const isOver = clock.nowMs() > asked.untilMs + this.#config.staleMs;
      if (isOver) asked.instances = [];
      const reason = error instanceof Error ? error.message : String(error);
      const stands = isOver ? 'its last answer is too old to be used' : 'its last answer stands';
      asked.trouble = `${name.host}: ${reason}; ${stands}`;
      this.#askIn(asked, Math.max(AGAIN_MS_MIN, backoffMs(asked.failures++, rng)));
    }
    if (!this.#stopped) this.#report();
  }

  #askIn(asked: Asked, waitMs: number): void {
    if (this.#stopped) return;
    asked.timer = setTimeout(() => void this.#ask(asked), waitMs);
    asked.timer.unref();
  }

  #report(): void {
    // Nothing is known of a name that is being asked for the first time.
    if (this.#asked.some(({ instances, failures }) => instances === null && failures === 0)) return;
    const unanswered = new Set(this.#asked.flatMap(({ service, instances }) => (instances === null ? [service] : [])));
    const answered = this.#asked.flatMap(({ name, instances }) =>
      (instances ?? []).map((instance) => ({ instance, where: `dns ${name.host}` })),
    );
    const kept = this.#kept.filter(({ service }) => unanswered.has(service));
    this.#context.report([...answered, ...kept.map((instance) => ({ instance, where: 'dns, before the restart' }))]);
    this.#context.setTrouble(this.#asked.find(({ trouble }) => trouble !== null)?.trouble ?? null);
  }
}
