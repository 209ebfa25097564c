// How each client fares where more is asked for than the latency goal: every requirement, and the one that is missed by most.

import type { ClientState } from '../../domain.ts';
import type { RequirementBooks } from '../../requirements/books.ts';
import { isMissed, type RequirementLevel, shareLevel, worstOf } from '../../requirements/level.ts';
import type { ClientLedger } from '../../stats/client-ledger.ts';

/** Name of the latency goal among the requirements. */
export const LATENCY = 'latency';

/** A client with every requirement. */
export type FullClientState = Required<ClientState>;

/** Clients seen within W, the one that misses most first. */
export function clientStates(
  ledger: ClientLedger,
  { books, successRatio }: { readonly books: RequirementBooks; readonly successRatio: number },
  nowMs: number,
): readonly FullClientState[] {
  const states = [...ledger.seen(nowMs)].map(({ row, ...state }) => {
    const latency = shareLevel(LATENCY, state.successRatio, successRatio);
    const requirements = [latency, ...books.accounts.levels(row + 1, nowMs)];
    return { ...state, requirements, missed: worstOf(requirements)?.requirement ?? null };
  });
  return states.sort(
    (a, b) => strainOf(b) - strainOf(a) || b.requests - a.requests || (a.clientId < b.clientId ? -1 : 1),
  );
}

/** Share of the clients for which the requirement holds; null without clients. */
export function satisfiedRatio(states: readonly FullClientState[], requirement: string): number | null {
  if (states.length === 0) return null;
  const misses = (level: RequirementLevel): boolean => level.requirement === requirement && isMissed(level);
  return states.filter(({ requirements }) => !requirements.some(misses)).length / states.length;
}

const strainOf = ({ requirements }: FullClientState): number => Math.max(...requirements.map(({ strain }) => strain));
