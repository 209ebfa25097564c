// Rows of services with one goal for the whole: how their runs end, and how the goal is split among the stages.

import type { ChainState } from '../../../../core/chain/chain.ts';
import { successColour } from '../../colours.ts';
import { count, milliseconds, percent } from '../../format.ts';
import { Panel } from '../panel.tsx';
import { TargetBar } from '../target-bar.tsx';

/** All chains, a row each. */
export function Chains({ chains }: { readonly chains: readonly ChainState[] }) {
  return (
    <Panel title="Chains" area="chains">
      <div class="scroll">
        <table aria-labelledby="panel-chains">
          <thead>
            <tr>
              <th scope="col">Chain</th>
              <th scope="col">Clients met</th>
              <th scope="col">Success</th>
              <th scope="col">Runs</th>
              <th scope="col">Stages: part of the limit, and what each needs</th>
            </tr>
          </thead>
          <tbody>
            {chains.map((chain) => (
              <Row key={chain.chain} chain={chain} />
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function Row({ chain }: { readonly chain: ChainState }) {
  const { qos, results } = chain;
  return (
    <tr data-chain={chain.chain}>
      <th scope="row">
        {chain.chain} <span class="quiet">{`≤ ${milliseconds(qos.latencyMs)} for ${percent(qos.successRatio)}`}</span>
      </th>
      <td class="num" style={{ color: successColour(chain.clientsSatisfiedRatio, 1) }}>
        {percent(chain.clientsSatisfiedRatio)}
      </td>
      <td>
        <span class="num">{percent(chain.successRatio, 1)}</span>
        <TargetBar ratio={chain.successRatio} target={qos.successRatio} />
      </td>
      <td class="num">
        {`${count(results.success)} in time, ${count(results.late)} late, ${count(results.failed)} failed`}
      </td>
      <td>
        {chain.stages
          .map(({ service, shareMs, reserveMs }) => `${service} ${milliseconds(shareMs)} (${milliseconds(reserveMs)})`)
          .join(' → ')}
      </td>
    </tr>
  );
}
