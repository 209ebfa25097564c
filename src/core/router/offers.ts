// Which instances a request is offered: those that its client's quotas leave it, and what the client then has of them. A client has a row
// in the books of the requirements, one above its row in the ledger; those that are not distinguished share the first.

import type { Candidate, RequestInfo } from '../domain.ts';
import { isLate, type Lateness } from '../policies/lateness.ts';
import type { Policy } from '../policies/policy.ts';
import { ALL } from '../requirements/accounts.ts';
import type { RequirementBooks } from '../requirements/books.ts';
import { type ClientLedger, NO_ROW } from '../stats/client-ledger.ts';
import type { GroupTable } from './group-table.ts';
import type { LiveCandidate } from './live-candidate.ts';

export interface OffersOptions {
  readonly books: RequirementBooks;
  readonly clients: ClientLedger;
  readonly groups: GroupTable;
  readonly policy: Policy;
}

/** Offers each request the instances that its client's quotas leave it. */
export class Offers {
  /** Whether some requests are for some instances only; if not, there is nothing to select by. */
  readonly isSelective: boolean;
  readonly books: RequirementBooks;
  readonly #clients: ClientLedger;
  readonly #groups: GroupTable;
  /** Decides among those that are offered; another one may take its place. */
  policy: Policy;
  readonly #lateness: Lateness;
  readonly #reused: LiveCandidate[] = [];

  constructor({ books, clients, groups, policy }: OffersOptions) {
    this.isSelective = books.isSelective;
    this.books = books;
    this.#lateness = { latencyMs: books.latencyMs, isPatient: true };
    this.#clients = clients;
    this.#groups = groups;
    this.policy = policy;
  }

  /** The policy's pick among the instances that the quotas leave; among the others where all of these are to be passed over. */
  select(request: RequestInfo, candidates: readonly LiveCandidate[], nowMs: number): Candidate | null {
    const { clientId, tried } = request;
    const row = this.rowOf(clientId);
    const group = this.#groups.of(clientId);
    const { books } = this;
    const selection =
      tried.length === 0 ? books.arrive(row, group, nowMs) : books.comeBack(row, group, tried.at(-1) as number);
    const offered = books.offer(row, candidates, selection);
    let picked = this.policy.select(request, offered, nowMs);
    if (offered.length < candidates.length && this.#isPassedOver(picked, nowMs)) {
      const others = this.#others(offered, candidates, nowMs);
      if (others.length > 0) {
        if (picked !== null) this.policy.giveBack?.(picked, offered);
        picked = this.policy.select(request, others, nowMs);
      }
    }
    if (picked !== null) books.choose(row, picked.handle, group);
    return picked;
  }

  /** Whether the pick is passed over. The more room for late answers, the less a long queue is a reason. */
  #isPassedOver(candidate: Candidate | null, nowMs: number): boolean {
    if (candidate === null) return true;
    return isLate(this.policy, candidate, this.#lateness, nowMs);
  }

  /** Those that are not passed over: of the ones that are offered, else of the rest. Valid until the next call. */
  #others(
    offered: readonly LiveCandidate[],
    candidates: readonly LiveCandidate[],
    nowMs: number,
  ): readonly LiveCandidate[] {
    const others = this.#reused;
    others.length = 0;
    for (const one of offered) if (!this.#isPassedOver(one, nowMs)) others.push(one);
    if (others.length > 0) return others;
    // Those that are offered stand in the order of the candidates.
    let at = 0;
    for (const one of candidates) {
      if (one === offered[at]) at++;
      else if (!this.#isPassedOver(one, nowMs)) others.push(one);
    }
    return others;
  }

  /** A session stays where it is: its client has that much more or less of its quotas. */
  stay({ clientId }: RequestInfo, { handle }: Candidate, nowMs: number): void {
    const row = this.rowOf(clientId);
    const group = this.#groups.of(clientId);
    this.books.arrive(row, group, nowMs);
    this.books.choose(row, handle, group);
  }

  /** What `select` would pick, changing nothing; null as well where the policy has no preview. Cold path. */
  preview(request: RequestInfo, active: readonly LiveCandidate[], nowMs: number): Candidate | null {
    const { clientId } = request;
    const previewOf = (offered: readonly LiveCandidate[]): Candidate | null =>
      this.policy.preview?.(request, offered, nowMs) ?? null;
    const row = clientId === '' ? ALL : this.#clients.find(clientId) + 1;
    const offered = this.books.preview(row, active, this.#groups.of(clientId));
    const picked = previewOf(offered);
    if (offered.length === active.length || !this.#isPassedOver(picked, nowMs)) return picked;
    const others = this.#others(offered, active, nowMs);
    return others.length > 0 ? previewOf(others) : picked;
  }

  /** Row of the client in the books; it gets one where it has none. */
  rowOf(clientId: string): number {
    if (clientId === '') return ALL;
    const known = this.#clients.find(clientId);
    return (known === NO_ROW ? this.#clients.rowOf(clientId) : known) + 1;
  }

  /** Row of the client in the books; null where it has none. */
  knownRow(clientId: string): number | null {
    const row = this.#clients.find(clientId);
    return row === NO_ROW ? null : row + 1;
  }

  /** Clients seen within the window. */
  *rows(nowMs: number): Generator<{ readonly clientId: string; readonly row: number }> {
    for (const { clientId, row } of this.#clients.seen(nowMs)) yield { clientId, row: row + 1 };
  }
}
