// The group that most of the latest requests belonged to: what is to be said of instances once for all requests is said for it.

import { GROUPS_MAX } from '../domain.ts';

/** About so many requests speak. */
const KEPT = 1 - 1 / 128;

export class UsualGroup {
  readonly #shares = new Float64Array(GROUPS_MAX);
  group = 0;

  record(group: number): void {
    if (group === this.group && (this.#shares[group] as number) > 0.99) return;
    for (let g = 0; g < GROUPS_MAX; g++) (this.#shares[g] as number) *= KEPT;
    (this.#shares[group] as number) += 1 - KEPT;
    if ((this.#shares[group] as number) > (this.#shares[this.group] as number)) this.group = group;
  }
}
