// How well each client is served, the worst first: QoS is promised to every one of them.

import { useState } from 'preact/hooks';
import type { ClientState } from '../../../core/domain.ts';
import type { RouterState } from '../../../core/service-router.ts';
import { CLIENTS_SHOWN_MAX, requirementText } from '../../../core/standing.ts';
import { successColour } from '../colours.ts';
import { count, percent } from '../format.ts';
import { Panel } from './panel.tsx';
import { TargetBar } from './target-bar.tsx';

/** As many as stand beside the plot of the weights. */
const FEW = 10;
/** Fewer than this are always shown. */
const REST_MIN = 4;

/** How each client fares. */
export function Clients({ service }: { readonly service: RouterState }) {
  const [all, setAll] = useState(false);
  const target = service.qos.successRatio;
  const isBelow = ({ successRatio, missed }: ClientState): boolean =>
    missed === undefined ? successRatio < target : missed !== null;
  const below = service.clients.filter(isBelow).length;
  const goal = service.requirements.length === 0 ? `below ${percent(target)}` : 'miss a requirement';
  // The state names the worst alone: how many there are in all is not known then.
  const isCut = service.clients.length >= CLIENTS_SHOWN_MAX;
  const belowText = !isCut
    ? `${below} of ${service.clients.length}`
    : below < CLIENTS_SHOWN_MAX
      ? below
      : `${below} or more`;
  const foldable = service.clients.length >= FEW + REST_MIN;
  const shown = all || !foldable ? service.clients : service.clients.slice(0, FEW);
  return (
    <Panel title="Clients" area="clients" aside={<span class="quiet">{`${belowText} ${goal}`}</span>}>
      <div class={all ? 'client-list client-list-all' : 'client-list'}>
        <table class="clients" aria-labelledby="panel-clients">
          <thead class="sr">
            <tr>
              <th scope="col">Client</th>
              <th scope="col">Success against the target</th>
              <th scope="col">Success</th>
              <th scope="col">Requests</th>
              {service.requirements.length > 0 && <th scope="col">Missed by most</th>}
            </tr>
          </thead>
          <tbody>
            {shown.map((client) => (
              <tr key={client.clientId} data-client={client.clientId}>
                <th scope="row">{client.clientId}</th>
                <td>
                  <TargetBar ratio={client.successRatio} target={target} />
                </td>
                <td
                  class="num"
                  style={{
                    color: client.successRatio < target ? successColour(client.successRatio, target) : undefined,
                  }}
                >
                  {percent(client.successRatio, 1)}
                </td>
                <td class="num quiet">{count(client.requests)} req</td>
                {service.requirements.length > 0 && <td class="missed">{missedText(client)}</td>}
              </tr>
            ))}
          </tbody>
        </table>
        {service.clients.length === 0 && <p class="empty">No client within the window.</p>}
      </div>
      {foldable && (
        <button type="button" class="ghost more" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? `Show the worst ${FEW} only` : `Show ${isCut ? 'the worst' : 'all'} ${service.clients.length}`}
        </button>
      )}
    </Panel>
  );
}

/** The requirement that the client misses by most; empty: all hold. */
function missedText({ requirements = [], missed }: ClientState): string {
  const level = requirements.find(({ requirement }) => requirement === missed);
  return level === undefined ? '' : requirementText(level);
}
