// What this machine ran out of, as the errors of the system say it. None of it is the fault of the peer.

const MEANINGS: ReadonlyMap<unknown, string> = new Map([
  ['EMFILE', 'this process has no file descriptor left'],
  ['ENFILE', 'this machine has no file descriptor left'],
  ['EADDRNOTAVAIL', 'this machine has no local port or address left to connect from'],
  ['ENOBUFS', 'this machine has no memory for sockets left'],
  ['ENOMEM', 'this machine has no memory left'],
]);

/** One sentence for people; null for an error that is of another kind. */
export function exhaustionOf(error: Error): string | null {
  return MEANINGS.get((error as { readonly code?: unknown }).code) ?? null;
}

/** Whether the error says that this machine ran out of descriptors, ports or memory. */
export function isExhaustion(error: Error): boolean {
  return exhaustionOf(error) !== null;
}
