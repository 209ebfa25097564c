// Notices what has no callback of its own, once a second (the broker coming and going; not where there is none), and reports to the service
// manager in one line how things are.

import type { QedgeEvent } from '../../admin/state/state.ts';
import type { Clock } from '../../core/clock.ts';
import type { InstanceState, RouterState, ServiceRouter } from '../../core/service-router.ts';
import { inTurns } from '../../net/in-turns.ts';
import { oneAtATime } from '../../net/one-at-a-time.ts';
import type { Notifier } from '../../systemd/notifier.ts';
import type { Logger } from '../../telemetry/log.ts';

export interface HousekeepingOptions {
  readonly services: ReadonlyMap<string, Pick<ServiceRouter, 'candidates' | 'overview' | 'instances'>>;
  /** Null without a broker. */
  readonly broker: () => {
    readonly connected: boolean;
    readonly url: string;
    readonly lastError: string | null;
  } | null;
  /** Why the last reload was refused. */
  readonly reloadProblems: () => readonly string[];
  readonly notifier: Pick<Notifier, 'status'>;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'error'>;
  readonly onEvent: (event: QedgeEvent) => void;
  /** Every few seconds, how each service is. */
  readonly onState: (state: RouterState) => void;
}

const INTERVAL_MS = 1000;
/** Rounds between two status lines: each change of it is a message to the service manager. */
const STATUS_ROUNDS = 5;

/** Runs from `start` to `stop`. */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  #timer: NodeJS.Timeout | null = null;
  /** Since the last status line; the first round has one. */
  #rounds = STATUS_ROUNDS;
  #connected = false;
  #brokerSinceMs: number | null = null;
  readonly #readStates: () => void;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
    const onError = (error: unknown): void => options.log.error({ err: error }, 'states were not read');
    this.#readStates = oneAtATime(() => this.#readAll(), onError);
  }

  /** When the broker last changed between connected and not, on the clock; null before the first. */
  get brokerSinceMs(): number | null {
    return this.#brokerSinceMs;
  }

  start(): void {
    this.#wait();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** `2 services, 7 instances, 99.2 % within their limits`, for `systemctl status`. */
  statusLine(): string {
    const { clock } = this.#options;
    const services = [...this.#options.services.values()];
    const instances = services.reduce((sum, { candidates }) => sum + candidates.length, 0);
    const ratios = services.flatMap((service) => service.overview(clock.nowMs()).successRatio ?? []);
    const [refused] = this.#options.reloadProblems();
    const reload = refused === undefined ? '' : `last reload refused: ${refused}; `;
    const worst = ratios.length === 0 ? '' : `, ${(Math.min(...ratios) * 100).toFixed(1)} % within the limit at worst`;
    return `${reload}${count(services.length, 'service')}, ${count(instances, 'instance')}${worst}`;
  }

  #wait(): void {
    // A reload may bring a broker, or take it away.
    const rounds = this.#options.broker() === null ? STATUS_ROUNDS : 1;
    this.#timer = setTimeout(() => {
      this.#round(rounds);
      this.#wait();
    }, rounds * INTERVAL_MS).unref();
  }

  /** `passed`: seconds since the last one. */
  #round(passed: number): void {
    this.#watchBroker();
    this.#rounds += passed;
    if (this.#rounds < STATUS_ROUNDS) return;
    this.#rounds = 0;
    this.#options.notifier.status(this.statusLine());
    this.#readStates();
  }

  /** Thousands of instances are read a few at a time; under load that may take longer than it is to the next round. */
  async #readAll(): Promise<void> {
    const { services, clock, onState } = this.#options;
    for (const service of [...services.values()]) {
      const instances: InstanceState[] = [];
      for await (const instance of inTurns(service.instances(clock.nowMs()))) instances.push(instance);
      onState({ ...service.overview(clock.nowMs()), instances });
    }
  }

  #watchBroker(): void {
    const broker = this.#options.broker();
    if (broker === null || broker.connected === this.#connected) return;
    this.#connected = broker.connected;
    this.#brokerSinceMs = this.#options.clock.nowMs();
    const { connected, url, lastError } = broker;
    this.#options.onEvent({
      kind: 'broker',
      connected,
      url,
      reason: connected ? '' : (lastError ?? 'connection lost'),
    });
  }
}

const count = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;
