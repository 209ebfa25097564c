// Requirements as several event loops account for them, as one picture: a client's connections may be at more than one.

import { meanLevel, type RequirementLevel, rateLevel, shareLevel } from '../../core/requirements/level.ts';
import type { RequirementState, ServiceOverview } from '../../core/service-router.ts';
import { shareOfClients, sum, weighted } from './means.ts';

/** A level, and by how many requests. */
export interface WeightedLevel extends RequirementLevel {
  readonly requests: number;
}

/** The levels of one client, by requirement, in the order of the first. */
export function mergeLevels(all: readonly WeightedLevel[]): RequirementLevel[] {
  const byName = Map.groupBy(all, ({ requirement }) => requirement);
  return [...byName.values()].flatMap((same) => (same[0] === undefined ? [] : [mergeLevel(same[0], same)]));
}

function mergeLevel({ requirement, goal }: RequirementLevel, same: readonly WeightedLevel[]): RequirementLevel {
  if (requirement === 'throughput') {
    // One event loop alone may have less than is asked for.
    const answered = sum(same, ({ level }) => level ?? 0);
    const missed = same.some(({ strain }) => strain > 0);
    return rateLevel(requirement, { asked: missed ? Math.max(goal, answered) : answered, answered }, goal);
  }
  const level =
    weighted(
      same,
      (one) => one.level,
      (one) => one.requests,
    ) ?? Number.NaN;
  return requirement === 'mean-latency' ? meanLevel(requirement, level, goal) : shareLevel(requirement, level, goal);
}

/** `clients` of all event loops together. */
export function mergeRequirements(
  states: readonly [ServiceOverview, ...ServiceOverview[]],
  clients: ServiceOverview['clients'],
): readonly RequirementState[] {
  const [first] = states;
  return first.requirements.map((requirement, index) => {
    const same = states.flatMap((state) =>
      state.requirements.slice(index, index + 1).map((one) => ({ ...one, requests: state.requestsPerSecond })),
    );
    const byRequests = ({ requests }: { readonly requests: number }): number => requests;
    const isOfClients = clients.some((client) => levelOf(client, requirement.requirement) !== undefined);
    const holding = clients.filter((client) => (levelOf(client, requirement.requirement)?.strain ?? 0) <= 1);
    return {
      ...mergeLevel(requirement, same),
      clientsRatio: isOfClients
        ? shareOfClients(
            states,
            (state) => state.requirements[index]?.clientsRatio ?? null,
            holding.length / clients.length,
          )
        : requirement.clientsRatio,
      heldShare: weighted(same, ({ heldShare }) => heldShare, byRequests),
      price: weighted(same, ({ price }) => price, byRequests),
    };
  });
}

const levelOf = (client: ServiceOverview['clients'][number], name: string): RequirementLevel | undefined =>
  client.requirements?.find(({ requirement }) => requirement === name);
