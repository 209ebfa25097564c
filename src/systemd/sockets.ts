// Listening sockets that systemd opened for us (sd_listen_fds(3)): they outlive the process, so a restart or a swap
// of the binary refuses no connection.

import { loadNativeAddon } from '../sea.ts';

/** Descriptors by the name of their socket unit (`FileDescriptorName=`), in the unit's order. */
export type InheritedSockets = ReadonlyMap<string, readonly number[]>;

/** SD_LISTEN_FDS_START of sd-daemon.h. */
export const FIRST_FD = 3;

/** More are not taken from the environment. */
const FDS_MAX = 4096;

/**
 * Takes over what was inherited; an empty map when nothing was. Each descriptor goes to `server.listen({ fd })`.
 * Sockets without a name of their own are called `unknown`, or `<unit>.socket` by systemd.
 * The variables are removed from `env`, so that no child process takes the sockets for its own.
 */
export function inheritedSockets(env: NodeJS.ProcessEnv = process.env, pid: number = process.pid): InheritedSockets {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = env;
  delete env.LISTEN_PID;
  delete env.LISTEN_FDS;
  delete env.LISTEN_FDNAMES;
  const sockets = new Map<string, number[]>();
  if (Number(LISTEN_PID) !== pid) return sockets;
  const names = LISTEN_FDNAMES?.split(':') ?? [];
  const count = Math.min(Number(LISTEN_FDS), FDS_MAX);
  for (let i = 0; i < count; i++) {
    const name = names[i] || 'unknown';
    const fds = sockets.get(name);
    if (fds === undefined) sockets.set(name, [FIRST_FD + i]);
    else fds.push(FIRST_FD + i);
  }
  return sockets;
}

/** Another descriptor of the same socket; null where there is none to be had, as always when run from source. */
export function duplicateSocket(fd: number): number | null {
  try {
    const copy = loadNativeAddon()?.duplicate(fd) ?? -1;
    return copy < 0 ? null : copy;
  } catch {
    return null;
  }
}
