// What a running qedge is to its process: it is started with options, reloaded, handed over and stopped.

import type { QedgeEvent } from '../admin/state/state.ts';
import type { Config, ListenAddress } from '../config/config.ts';
import type { ServiceRouter } from '../core/service-router.ts';
import type { BoundListener } from '../proxy/proxy.ts';
import type { InheritedSockets } from '../systemd/sockets.ts';
import type { EventLog } from '../telemetry/events.ts';
import type { Logger, ProcessLog } from '../telemetry/log.ts';

/** Something that runs beside the proxy on this node, and that one process alone can be. */
export interface Companion {
  start(log: Logger): void;
  /** Never throws. */
  stop(): Promise<void>;
}

export interface AppOptions {
  readonly version: string;
  readonly commit: string;
  /** Standard output when absent. */
  readonly log?: ProcessLog;
  /** Seed of every random choice; a fresh one when absent. */
  readonly seed?: number;
  /** Another process speaks to the service manager yet, until `takeCharge`. */
  readonly succeeds?: boolean;
  /** What TLS sessions were resumed by in the process before this one; drawn when absent. */
  readonly tickets?: string | null;
  /** Listening sockets of the service manager, or of the process before this one. */
  readonly sockets?: InheritedSockets;
  /** What else is wrong around this node, asked with every state; nothing when absent. */
  readonly troubles?: () => readonly string[];
  /** Started last; stopped before this process lets go of anything. */
  readonly companion?: Companion | null;
}

/** A running qedge. `start` throws `CommandError` for what a person can mend. */
export interface App {
  readonly log: Logger;
  /** As bound: port 0 in the config has become a real one. */
  readonly proxyListeners: readonly BoundListener[];
  readonly adminListener: ListenAddress;
  /** The routers of the configured services; one object for the life of the app. */
  readonly services: ReadonlyMap<string, ServiceRouter>;
  /** Resolves when event loops end again and again: only another process serves their share of the connections. */
  readonly lost: Promise<void>;
  readonly events: EventLog<QedgeEvent>;
  /**
   * Takes over what `read` returns, without touching open connections or what was learned for services that stay. Changes
   * nothing when that throws, or when a file that it names cannot be used. Never throws: what became of it is logged, and
   * shown by the admin port.
   */
  reload(read: () => Config): Promise<void>;
  /**
   * The listening sockets, for another process to serve in place of this one; null when it would not have all of them: a
   * port that this process opened for itself.
   */
  readonly sockets: InheritedSockets | null;
  /** What TLS sessions are resumed by, as one line. */
  readonly tickets: string;
  /** The file of the store, while it is open. */
  readonly store: string | null;
  /**
   * Lets go of what only one process can have: the name at the broker, and the store, with what was learned by now.
   * Requests are served as before; all that is left to do is to `stop`. Never throws.
   */
  cede(): Promise<void>;
  /** The service manager hears from this process now. */
  takeCharge(): void;
  /** The service manager is to watch another process. */
  leaveCharge(pid: number): void;
  /** A thread of this process still waits for the disk: an exit in order would wait for the thread. */
  readonly heldByDisk: boolean;
  /** Drains, keeps what was learned, and ends. `succeeded`: another process serves by now. Never throws. */
  stop(options?: { readonly succeeded: boolean }): Promise<void>;
}
