// What would keep a start from succeeding, found without taking anything: a process that serves lets go of the store and
// the broker only for a successor that has come this far.

import type { Config, ListenAddress } from '../config/config.ts';
import { assertPortFree } from '../proxy/downstream/listen-error.ts';
import { proveTls } from '../proxy/prove-tls.ts';
import { proveStore } from '../store/prove-store.ts';
import type { InheritedSockets } from '../systemd/sockets.ts';
import { assertEnoughSockets } from './workers/pool.ts';

export interface ProveOptions {
  readonly sockets: InheritedSockets;
  /** The store that the process which serves has open, and lets go of; null when it has none. */
  readonly freedStore: string | null;
}

/** @throws CommandError that names the file, the port or the sockets that would not do */
export async function proveStart(config: Config, { sockets, freedStore }: ProveOptions): Promise<void> {
  const { path } = config.store;
  proveTls(config);
  if (path !== null && path !== freedStore) await proveStore(path);
  assertEnoughSockets(config.proxy.workers, sockets);
  for (const [name, address] of listenersOf(config)) {
    if (!sockets.has(name)) await assertPortFree(name, address);
  }
}

/**
 * The same for a reload, of the ports that it opens: those of services, where this process has them not yet.
 *
 * @throws CommandError that names the port
 */
export async function provePorts({ services }: Config, open: readonly ListenAddress[]): Promise<void> {
  const own = new Set(open.map(({ port }) => port));
  for (const { name, listen } of services) {
    if (listen !== null && !own.has(listen.port)) await assertPortFree(name, listen);
  }
}

function listenersOf({ proxy, admin, services }: Config): (readonly [string, ListenAddress])[] {
  const own = services.flatMap(({ name, listen }) => (listen === null ? [] : [[name, listen] as const]));
  return [['proxy', proxy.listen], ['admin', admin.listen], ...own];
}
