// Algorithm 2, line 2: smooth weighted round robin as nginx has it (ngx_http_upstream_round_robin.c). Every candidate
// earns its weight each round; the richest is picked and pays the sum of all weights. No candidate ever runs ahead of its
// share by a full pick.

import type { Candidate } from '../domain.ts';
import { grownFloat64 } from './grown.ts';

/** Smooth weighted round robin (nginx): each gets its share, spread evenly. Allocates nothing. */
export class Swrr {
  #credit = new Float64Array(0);

  /** Makes room for handles below `handles`. */
  ensureHandles(handles: number): void {
    this.#credit = grownFloat64(this.#credit, handles);
  }

  /** Picks one by `weights` (by handle, ≥ 0); null when no candidate has a weight. */
  pick<C extends Candidate>(candidates: readonly C[], weights: Float64Array): C | null {
    const credit = this.#credit;
    let total = 0;
    let richest: C | null = null;
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[i] as C;
      const weight = weights[candidate.handle] as number;
      if (weight <= 0) continue;
      const earned = (credit[candidate.handle] as number) + weight;
      credit[candidate.handle] = earned;
      total += weight;
      if (earned > most) {
        most = earned;
        richest = candidate;
      }
    }
    if (richest !== null) credit[richest.handle] = most - total;
    return richest;
  }

  /** Takes back a pick of `picked` among these: as if it had not been asked for. */
  giveBack<C extends Candidate>(picked: C, candidates: readonly C[], weights: Float64Array): void {
    const credit = this.#credit;
    let total = 0;
    for (let i = 0; i < candidates.length; i++) {
      const { handle } = candidates[i] as C;
      const weight = weights[handle] as number;
      if (weight <= 0) continue;
      credit[handle] = (credit[handle] as number) - weight;
      total += weight;
    }
    credit[picked.handle] = (credit[picked.handle] as number) + total;
  }

  /** What `ask` answers, every pick it makes taken back. Cold path. */
  undone<Answer>(ask: () => Answer): Answer {
    const before = this.#credit.slice();
    try {
      return ask();
    } finally {
      this.#credit.set(before);
    }
  }

  credit(handle: number): number {
    return this.#credit[handle] ?? 0;
  }

  /** Sets the credit of one, as after a restart; 0 forgets it. */
  setCredit(handle: number, credit: number): void {
    this.#credit[handle] = credit;
  }
}
