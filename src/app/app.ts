// A life of qedge: its parts (parts.ts) are started, reloaded, handed over and stopped.

import type { QedgeEvent } from '../admin/state/state.ts';
import type { Config, ListenAddress, PolicyConfig } from '../config/config.ts';
import { configNotes, descriptorLimit } from '../config/notes.ts';
import type { ServiceRouter } from '../core/service-router.ts';
import { ticketSecretText } from '../proxy/downstream/ticket-keys.ts';
import type { BoundListener } from '../proxy/proxy.ts';
import type { InheritedSockets } from '../systemd/sockets.ts';
import type { EventLog } from '../telemetry/events.ts';
import type { Logger, LogLevel } from '../telemetry/log.ts';
import { namesIn } from './names.ts';
import { listenerFacts } from './node-report.ts';
import { AppParts } from './parts.ts';
import { passableSockets, unusedSockets } from './passable-sockets.ts';
import type { App, AppOptions } from './running-app.ts';

/**
 * Starts qedge: nothing is left running when it throws.
 *
 * @throws CommandError when a port or the store cannot be had
 */
export async function startApp(config: Config, options: AppOptions): Promise<App> {
  const app = new RunningApp(config, options);
  try {
    await app.start(options.sockets ?? new Map());
    return app;
  } catch (error) {
    await app.abandon();
    throw error;
  }
}

class RunningApp implements App {
  readonly log: Logger;
  readonly events: EventLog<QedgeEvent>;
  readonly #parts: AppParts;
  /** Settles with the last change of the configuration that was asked for; changes are made one after another. */
  #changing: Promise<unknown> = Promise.resolve();
  /** A reload was asked for, and has not read yet. */
  #read: (() => Config) | null = null;
  #inherited: InheritedSockets = new Map();

  constructor(config: Config, options: AppOptions) {
    this.#parts = new AppParts(config, options, {
      setPolicy: (name, policy) => this.#inTurn(() => this.#setPolicy(name, policy)),
      setLogLevel: (level) => this.#inTurn(() => this.#setLogLevel(level)),
    });
    this.log = this.#parts.log;
    this.events = this.#parts.events;
  }

  get lost(): Promise<void> {
    return this.#parts.lost.promise;
  }

  get proxyListeners(): readonly BoundListener[] {
    return this.#parts.dataPlanes.listeners;
  }

  get adminListener(): ListenAddress {
    return this.#parts.adminListener;
  }

  get services(): ReadonlyMap<string, ServiceRouter> {
    return this.#parts.dataPlanes.routers;
  }

  async start(sockets: InheritedSockets): Promise<void> {
    const parts = this.#parts;
    this.#inherited = sockets;
    parts.dataPlanes.spawn();
    parts.names.watch(namesIn(parts.config));
    const warm = await parts.warmRestart.restore();
    await parts.dataPlanes.listen(sockets);
    parts.adminListener = await parts.admin.listen(sockets.get('admin')?.[0]);
    parts.listening = true;
    parts.placement.start();
    parts.prober.start();
    parts.neighbours.configure(parts.config);
    parts.environment.start();
    parts.warmRestart.start();
    parts.housekeeping.start();
    parts.memory.start();
    const listeners = listenerFacts(this.proxyListeners, parts.adminListener);
    parts.record(null, { kind: 'lifecycle', phase: 'started', detail: parts.options.version });
    this.log.info({ version: parts.options.version, listeners, warm }, 'qedge started');
    const unused = unusedSockets(sockets, listeners);
    if (unused.length > 0)
      this.log.warn({ unused }, 'inherited sockets are named after no listener (FileDescriptorName=)');
    for (const note of configNotes(parts.config, descriptorLimit()))
      this.log.warn({ note }, 'configuration may not do what is meant');
    parts.notifier.ready(parts.housekeeping.statusLine());
    parts.options.companion?.start(this.log);
  }

  reload(read: () => Config): Promise<void> {
    this.#read = read;
    return this.#inTurn(() => this.#reload());
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const changed = this.#changing.then(change);
    this.#changing = changed.catch(() => {});
    return changed;
  }

  async #reload(): Promise<void> {
    const parts = this.#parts;
    const read = this.#read;
    // Read since it was asked for, however many signals there were. A process that ends takes nothing over.
    if (read === null || parts.draining) return;
    this.#read = null;
    parts.notifier.reloading();
    try {
      const wanted = read();
      await this.#configure(wanted);
      parts.reloads.succeeded(wanted);
    } catch (error) {
      parts.reloads.refused(error);
    }
    parts.notifier.ready(parts.housekeeping.statusLine());
  }

  async #configure(wanted: Config): Promise<void> {
    const parts = this.#parts;
    // The id stays: everything that was announced and learned so far carries it.
    const config = { ...wanted, node: { ...wanted.node, id: parts.config.node.id } };
    // First, since it is the one step that may refuse.
    await parts.dataPlanes.apply({ kind: 'configure', config });
    parts.config = config;
    this.log.level = config.log.level;
    parts.admin.setToken(config.admin.token);
    parts.names.watch(namesIn(config));
    parts.prober.configure(config.probe);
    parts.neighbours.configure(config);
    parts.tiers.node(config.node);
    parts.placement.configure(config);
  }

  get tickets(): string {
    return ticketSecretText(this.#parts.dataPlanes.tickets);
  }

  get sockets(): InheritedSockets | null {
    const proxy = this.proxyListeners.map(({ name }) => name);
    return passableSockets(this.#inherited, { proxy, admin: this.#parts.config.admin.listen });
  }

  get store(): string | null {
    return this.#parts.warmRestart.path;
  }

  get heldByDisk(): boolean {
    return this.#parts.warmRestart.heldByDisk;
  }

  async cede(): Promise<void> {
    await Promise.all([this.#parts.options.companion?.stop(), this.#parts.placement.stop({ succeeded: true })]);
    this.#parts.environment.stop();
    await this.#parts.warmRestart.close();
  }

  takeCharge(): void {
    this.#parts.notifier.release();
  }

  leaveCharge(pid: number): void {
    this.#parts.notifier.succeededBy(pid);
  }

  async stop(options = { succeeded: false }): Promise<void> {
    const parts = this.#parts;
    if (parts.draining) return;
    parts.draining = true;
    await this.#changing;
    if (!options.succeeded) parts.notifier.stopping();
    parts.record(null, { kind: 'lifecycle', phase: 'draining', detail: '' });
    // Health checks have to reach the process that serves.
    const adminClosed = options.succeeded ? parts.admin.close() : null;
    const companionStopped = parts.options.companion?.stop();
    await Promise.all([parts.dataPlanes.drain(options), parts.placement.stop(), adminClosed, companionStopped]);
    parts.stopWatching();
    await parts.warmRestart.close();
    await parts.dataPlanes.close();
    await parts.admin.close();
    if (!options.succeeded) parts.notifier.close();
    this.log.info('qedge stopped');
    await parts.processLog.close();
  }

  /** Undoes a start that failed. */
  async abandon(): Promise<void> {
    const parts = this.#parts;
    parts.stopWatching();
    await Promise.all([
      parts.dataPlanes.close(),
      parts.placement.stop(),
      parts.admin.close(),
      parts.warmRestart.close(),
    ]);
    parts.notifier.close();
    await parts.processLog.close();
  }

  /** Until the next reload, which comes back to the file. */
  async #setPolicy(name: string, policy: PolicyConfig): Promise<void> {
    const parts = this.#parts;
    const services = parts.config.services.map((service) => (service.name === name ? { ...service, policy } : service));
    await this.#configure({ ...parts.config, services });
  }

  /** Here and in every worker, until the next reload. */
  async #setLogLevel(level: LogLevel): Promise<void> {
    const parts = this.#parts;
    this.log.level = level;
    parts.config = { ...parts.config, log: { ...parts.config.log, level } };
    await parts.dataPlanes.apply({ kind: 'configure', config: parts.config });
  }
}
