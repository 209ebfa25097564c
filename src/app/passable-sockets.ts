// What becomes of inherited sockets: which are named after no listener, and whether another process could listen wherever this one
// does. It can on the sockets that both inherit, and on no port that this process opened for itself.

import type { ListenAddress } from '../config/config.ts';
import type { InheritedSockets } from '../systemd/sockets.ts';

export interface Ports {
  /** Names of those that clients use. */
  readonly proxy: readonly string[];
  /** As configured: one that is left to the system is no particular one. */
  readonly admin: ListenAddress;
}

/** What was inherited, where it is all that is needed; else null. */
export function passableSockets(inherited: InheritedSockets, { proxy, admin }: Ports): InheritedSockets | null {
  const needed = admin.port === 0 ? proxy : [...proxy, 'admin'];
  return needed.every((name) => inherited.has(name)) ? inherited : null;
}

/** Names of inherited sockets that no listener has: clients of those wait for ever. */
export function unusedSockets(inherited: InheritedSockets, listeners: Iterable<{ readonly name: string }>): string[] {
  const used = new Set([...listeners].map(({ name }) => name));
  return [...inherited.keys()].filter((name) => !used.has(name));
}
