// What several data planes of one node know of a chain, as one picture.

import type { ChainState } from '../../core/chain/chain.ts';
import { shareOfClients, sum, weighted } from './means.ts';
import { mergeClients } from './merge-states.ts';

/** `states` of one chain, the main thread's first. The same object when it is the only one. */
export function mergeChains(states: readonly [ChainState, ...ChainState[]]): ChainState {
  const [first] = states;
  if (states.length === 1) return first;
  const clients = mergeClients(states.flatMap((state) => state.clients));
  const satisfied = clients.filter(({ successRatio }) => successRatio >= first.qos.successRatio).length;
  const count = (result: keyof ChainState['results']): number => sum(states, ({ results }) => results[result]);
  return {
    ...first,
    successRatio: weighted(
      states,
      (state) => state.successRatio,
      (state) => sum(state.clients, ({ requests }) => requests),
    ),
    clientsSatisfiedRatio: shareOfClients(
      states,
      (state) => state.clientsSatisfiedRatio,
      clients.length === 0 ? null : satisfied / clients.length,
    ),
    runs: sum(states, ({ runs }) => runs),
    results: {
      success: count('success'),
      late: count('late'),
      failed: count('failed'),
      abandoned: count('abandoned'),
    },
    stages: first.stages.map((stage, i) => {
      const same = states.flatMap(({ stages }) => stages.slice(i, i + 1));
      const bySamples = ({ samples }: ChainState['stages'][number]): number => samples;
      return {
        ...stage,
        shareMs: weighted(same, ({ shareMs }) => shareMs, bySamples) ?? stage.shareMs,
        reserveMs: weighted(same, ({ reserveMs }) => reserveMs, bySamples) ?? stage.reserveMs,
        samples: sum(same, bySamples),
      };
    }),
    clients,
  };
}
