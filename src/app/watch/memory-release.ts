// Gives memory back that was only needed for a while. V8's compilers work in malloc's arenas, and malloc keeps what they
// leave: after the first minute of traffic that is as much as everything in use. The kernel wants it back explicitly.

import { readFileSync } from 'node:fs';
import { loadNativeAddon } from '../../sea.ts';
import type { Logger } from '../../telemetry/log.ts';

export interface MemoryReleaseOptions {
  /** Memory that no file stands behind, resident, in bytes. */
  readonly anonymousBytes: () => number;
  readonly release: () => void;
  readonly log: Logger;
}

/** A look costs some 50 µs; long enough that the first one comes after everything a start does. */
const INTERVAL_MS = 2000;
/** Released once a minute, no matter what it holds: after a rush, what the rush left behind is no growth any more. */
const ROUNDS_MAX = 30;
/** Less growth than this is not worth the millisecond: a tenth of what a small configuration holds. */
const GROWTH_BYTES_MIN = 4 * 1024 * 1024;

/** Gives memory back to the kernel, from `start` to `stop`. */
export class MemoryRelease {
  readonly #options: MemoryReleaseOptions;
  /** The lowest since the last release; growth counts from here. 0 at first, so that a start is cleaned up after. */
  #floorBytes = 0;
  /** Since the last release. */
  #rounds = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: MemoryReleaseOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.round(), INTERVAL_MS);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Releases when memory grew, or long ago was released. What cannot be released ends the rounds: it would not be possible later either. */
  round(): void {
    const { anonymousBytes, release, log } = this.#options;
    try {
      const nowBytes = anonymousBytes();
      if (++this.#rounds < ROUNDS_MAX && nowBytes < this.#floorBytes + GROWTH_BYTES_MIN) {
        this.#floorBytes = Math.min(this.#floorBytes, nowBytes);
        return;
      }
      release();
      this.#rounds = 0;
      this.#floorBytes = anonymousBytes();
    } catch (error) {
      this.stop();
      log.debug({ error: String(error) }, 'free memory cannot be given back');
    }
  }
}

/** `RssAnon` of proc(5). Throws where there is no such thing. */
export function anonymousBytes(): number {
  const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error('no RssAnon in /proc/self/status');
  return Number(kilobytes) * 1024;
}

/** Does nothing when run from source. */
export function releaseMemory(): void {
  loadNativeAddon()?.releaseMemory();
}
