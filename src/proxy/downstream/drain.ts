// How ports end: they accept nothing new, serve what still comes on the connections that are open, close each with its answer,
// and what is left once all is quiet, or when the time is up.

import type { Listener } from './listener.ts';
import { QUIET_MS, QuietSweep } from './quiet-sweep.ts';

/** How often connections that fell silent are looked for. */
const SWEEP_MS = 50;
/** Stands for `QUIET_MS` where nothing waits for the end of the drain. */
const SUCCEEDED_QUIET_MS = 5000;
/** The last part of a drain, in which requests that still come are refused. */
const LAST_MS = 1000;

export interface DrainOptions {
  readonly listeners: readonly Listener[];
  /** How long the drain may take at the most. */
  readonly drainMs: number;
  /** Another process accepts meanwhile. */
  readonly succeeded: boolean;
  readonly nowMs: () => number;
  /** Requests that come from now on would be cut off. */
  readonly onLast: () => void;
}

/** Resolves when nothing is left, or the time is up; closes no connection on which something moves. */
export async function drain({ listeners, drainMs, succeeded, nowMs, onLast }: DrainOptions): Promise<void> {
  const quiet = new QuietSweep(succeeded ? SUCCEEDED_QUIET_MS : QUIET_MS);
  const sweep = keepSweeping(listeners, quiet, nowMs);
  const stopped = Promise.all(listeners.map((listener) => listener.stop()));
  const lastMs = Math.min(LAST_MS, drainMs / 4);
  await within(stopped, drainMs - lastMs);
  // Closes idle connections first, so that a client waits on a new one instead of being refused on this one.
  quiet.closeQuiet(connectionsOf(listeners));
  onLast();
  await within(stopped, lastMs);
  clearInterval(sweep);
}

/** A port that is not needed any more ends by itself, however long it takes, and keeps no process. Resolves when it has. */
export async function drainQuietly(listener: Listener, nowMs: () => number): Promise<void> {
  const sweep = keepSweeping([listener], new QuietSweep(), nowMs).unref();
  await listener.stop();
  clearInterval(sweep);
}

/** Ends connections as their protocols allow, from now on. */
function keepSweeping(listeners: readonly Listener[], quiet: QuietSweep, nowMs: () => number): NodeJS.Timeout {
  const sweep = (): void => {
    for (const listener of listeners) listener.sayGoodbye();
    quiet.sweep(connectionsOf(listeners), nowMs());
  };
  sweep();
  return setInterval(sweep, SWEEP_MS);
}

const connectionsOf = (listeners: readonly Listener[]) => listeners.map(({ connections }) => connections);

/** Waits for `work`, but no longer than `ms`; leaves no timer behind that would keep the process. */
async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, deadline]);
  clearTimeout(timer);
}
