// Reports to the service manager (sd_notify(3)): ready, reloading, stopping, one line of status, and a
// watchdog ping from the event loop itself, so that a loop that hangs is restarted.

import { spawn } from 'node:child_process';
import { loadNativeAddon, type NativeAddon } from '../sea.ts';
import type { Logger } from '../telemetry/log.ts';

/** The service manager, as the service speaks to it; silent where there is none. */
export interface Notifier {
  /** Start-up is complete, or a reload is. From here on the watchdog is fed, where the unit asks for one. */
  ready(status?: string): void;
  /** One short line, as `systemctl status` shows it. Sent only when it changed. */
  status(line: string): void;
  reloading(): void;
  /** Stops the watchdog as well: draining has a limit of its own (`TimeoutStopSec=`). */
  stopping(): void;
  /** Another process serves in place of this one. It is the one that is watched from here on. */
  succeededBy(pid: number): void;
  /** Ends the silence of one that was created `held`. */
  release(): void;
  /** Ends the watchdog's timer; sends nothing. */
  close(): void;
}

export interface NotifierOptions {
  readonly log: Logger;
  /** Another process speaks for the service yet: the last of what is said here is kept until `release`. */
  readonly held?: boolean;
  /** False while a part of the process hangs: the watchdog is not fed. Always true when absent. */
  readonly alive?: () => boolean;
  readonly env?: NodeJS.ProcessEnv;
  readonly pid?: number;
  /** Carries one message, false where that failed; chosen after the environment when absent. */
  readonly send?: Send;
}

type Send = (message: string) => boolean;

/** A start that the service manager does not hear of has failed for it, so its word is repeated: as often, and so far apart, ms. */
const READY_TRIES = 30;
const READY_AGAIN_MS = 1000;

/** A notifier that does nothing when no service manager listens (no `NOTIFY_SOCKET`). */
export function createNotifier(options: NotifierOptions): Notifier {
  const env = options.env ?? process.env;
  const socketPath = env.NOTIFY_SOCKET;
  const carry = options.send ?? (socketPath === undefined ? () => true : senderFor(socketPath, options.log));
  const intervalMs = watchdogIntervalMs(env, options.pid ?? process.pid);
  let watchdog: NodeJS.Timeout | undefined;
  let lastStatus = '';
  let held = options.held ?? false;
  let readyWhileHeld = false;

  let readyAgain: NodeJS.Timeout | undefined;

  const send = (message: string): boolean => held || carry(message);
  const sendReady = (triesLeft: number): void => {
    clearTimeout(readyAgain);
    const isTaken = send(lastStatus === '' ? 'READY=1' : `READY=1\nSTATUS=${lastStatus}`);
    if (isTaken || triesLeft === 0) return;
    readyAgain = setTimeout(() => sendReady(triesLeft - 1), READY_AGAIN_MS).unref();
  };
  const feed = (): void => {
    if (options.alive?.() ?? true) send('WATCHDOG=1');
  };
  const stopWatchdog = () => {
    clearInterval(watchdog);
    clearTimeout(readyAgain);
    watchdog = undefined;
  };
  return {
    ready(status) {
      lastStatus = oneLine(status ?? lastStatus);
      readyWhileHeld = held;
      sendReady(READY_TRIES);
      if (intervalMs > 0) watchdog ??= setInterval(feed, intervalMs).unref();
    },
    status(line) {
      if (oneLine(line) === lastStatus) return;
      lastStatus = oneLine(line);
      send(`STATUS=${lastStatus}`);
    },
    reloading() {
      // RELOADING=1 needs the moment it began, on the monotonic clock (Type=notify-reload).
      send(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
    },
    stopping() {
      stopWatchdog();
      send('STOPPING=1');
    },
    succeededBy(pid) {
      stopWatchdog();
      send(`MAINPID=${pid}`);
    },
    release() {
      held = false;
      if (!readyWhileHeld) return;
      this.ready();
      // The process before may have fed it long ago.
      if (intervalMs > 0) feed();
    },
    close: stopWatchdog,
  };
}

/** Half of what the unit allows between two pings, after sd_watchdog_enabled(3); 0 when there is no watchdog. */
function watchdogIntervalMs(env: NodeJS.ProcessEnv, pid: number): number {
  const { WATCHDOG_USEC, WATCHDOG_PID } = env;
  if (WATCHDOG_USEC === undefined || (WATCHDOG_PID !== undefined && Number(WATCHDOG_PID) !== pid)) return 0;
  return Math.floor(Number(WATCHDOG_USEC) / 2000) || 0;
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

function senderFor(socketPath: string, log: Logger): Send {
  const addon = nativeAddon(log);
  if (addon === null) return viaSystemdNotify(log);
  return (message) => {
    const errno = addon.notify(socketPath, message);
    if (errno !== 0) log.warn({ errno, message }, 'service manager could not be notified');
    return errno === 0;
  };
}

/** Null from source, and where no directory lets it be loaded. */
function nativeAddon(log: Logger): NativeAddon | null {
  try {
    return loadNativeAddon();
  } catch (error) {
    log.warn({ error: error instanceof Error ? error.message : String(error) }, 'addon could not be loaded');
    return null;
  }
}

/** Node has no datagram sockets of the Unix domain. Needs `NotifyAccess=all` in the unit. */
function viaSystemdNotify(log: Logger): Send {
  log.info('the service manager is notified through systemd-notify');
  return (message) => {
    const child = spawn('systemd-notify', [`--pid=${process.pid}`, ...message.split('\n')], { stdio: 'ignore' });
    child.once('error', (error) =>
      log.warn({ error: error.message, message }, 'service manager could not be notified'),
    );
    return true;
  };
}
