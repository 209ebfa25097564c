// What would keep a start from succeeding, found without taking anything: a process that serves lets go of the store and
// the broker only for a successor that has come this far.

import type { Config, ListenAddress } from '../config/config.ts';
import { assertPortFree } from '../proxy/downstream/listen-error.ts';
import { proveTls } from '../proxy/prove-tls.ts';
import type { InheritedSockets } from '../systemd/sockets.ts';
import { assertEnoughSockets } from './worker-pool.ts';

/** @throws CommandError that names the file, the port or the sockets that would not do */
export async function proveStart(config: Config, sockets: InheritedSockets): Promise<void> {
  proveTls(config);
  assertEnoughSockets(config.proxy.workers, sockets);
  for (const [name, address] of listenersOf(config)) {
    if (!sockets.has(name)) await assertPortFree(name, address);
  }
}

function listenersOf({ proxy, admin, services }: Config): (readonly [string, ListenAddress])[] {
  const own = services.flatMap(({ name, listen }) => (listen === null ? [] : [[name, listen] as const]));
  return [['proxy', proxy.listen], ['admin', admin.listen], ...own];
}
