// How old is what was kept? Within one boot of the machine its uptime says, independent of the wall clock; across boots
// it is unknown (a Pi has no RTC and wakes up with any time), so ages are not trusted at all.

import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

export interface BootClock {
  /** Changes with every boot of the machine; null where the system does not report it. */
  readonly bootId: string | null;
  /** Time since boot, ms; counts while the machine sleeps, and cannot be set. */
  uptimeMs(): number;
  /** Time since the epoch, ms, for people to read and never to compute with. */
  wallMs(): number;
}

/** When something was kept. */
export interface SavedAt {
  readonly bootId: string | null;
  readonly uptimeMs: number;
  readonly wallMs: number;
}

/** Older than anything of which the age matters, and still a number that can be computed with: ten years. */
const AGE_UNKNOWN_MS = 315_576_000_000;

/** Age in ms of what was kept then; `AGE_UNKNOWN_MS` when the machine was started since, or that is unknown. */
export function ageOf(saved: SavedAt, clock: BootClock): number {
  const ageMs = clock.uptimeMs() - saved.uptimeMs;
  const sameBoot = saved.bootId !== null && saved.bootId === clock.bootId;
  return sameBoot && ageMs >= 0 ? ageMs : AGE_UNKNOWN_MS;
}

export function createBootClock(): BootClock {
  return { bootId: readBootId(), uptimeMs: () => uptime() * 1000, wallMs: () => Date.now() };
}

/** random(4): a new UUID at each boot. */
function readBootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() || null;
  } catch {
    return null;
  }
}
