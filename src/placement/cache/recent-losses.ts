// What was heard to leave in the last moments. A broker that is stopped publishes every last will before it closes its
// connections, so departures are weighed by what follows them: the end of the connection, or more departures. Pure.

import type { Claim, Host } from './records.ts';

/** A broker that is stopped publishes its wills and closes within this, even with thousands of them on a small device. */
const LAST_MOMENTS_MS = 2_000;
/** Wills that one event of the broker's fires come within this. */
const TOGETHER_MS = 5_000;
/** Fewer nodes than this are no fleet: two that leave together may well have one power supply. */
const TOGETHER_MIN = 3;

interface Departure {
  readonly claim: Claim;
  readonly atMs: number;
}

export class RecentLosses {
  /** When each was lost, as grace time; in that order. */
  readonly #hosts = new Map<Host, number>();
  #claims: Departure[] = [];
  #massUntilMs = Number.NEGATIVE_INFINITY;

  /**
   * A host was lost at the grace time `atMs`. Returns those that are not to be doubted for it, because they left together
   * and are more than half of the `hostCount` that are known: all of them at first, then each that follows.
   */
  addHost(host: Host, atMs: number, hostCount: number): readonly Host[] {
    for (const [old, oldMs] of this.#hosts) {
      if (atMs - oldMs <= TOGETHER_MS) break;
      this.#hosts.delete(old);
    }
    this.#hosts.delete(host);
    this.#hosts.set(host, atMs);
    const isMass = this.#hosts.size >= TOGETHER_MIN && this.#hosts.size * 2 > hostCount;
    const began = atMs > this.#massUntilMs;
    if (isMass) this.#massUntilMs = atMs + TOGETHER_MS;
    else if (began) return [];
    return began ? [...this.#hosts.keys()] : [host];
  }

  /** Bounded by the instances that can be announced within the window. */
  addClaim(claim: Claim, atMs: number): void {
    const first = this.#claims.findIndex((old) => atMs - old.atMs <= LAST_MOMENTS_MS);
    this.#claims.splice(0, first < 0 ? this.#claims.length : first);
    this.#claims.push({ claim, atMs });
  }

  /** What left in the last moments before `heardMs`, when the broker was last heard; it is forgotten here. */
  takeSince(heardMs: number): { readonly hosts: readonly Host[]; readonly claims: readonly Claim[] } {
    const fromMs = heardMs - LAST_MOMENTS_MS;
    const hosts = [...this.#hosts].filter(([, atMs]) => atMs >= fromMs).map(([host]) => host);
    const claims = this.#claims.filter(({ atMs }) => atMs >= fromMs).map(({ claim }) => claim);
    this.#hosts.clear();
    this.#claims = [];
    return { hosts, claims };
  }
}
