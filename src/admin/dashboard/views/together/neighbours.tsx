// The neighbourhood of this node: which load balancers say what they saw of a service's instances and whether they are believed, and how
// far the nodes are from one another.

import type { NeighbourhoodState } from '../../../../core/neighbours/neighbourhood-state.ts';
import type { NeighbourState } from '../../../../core/neighbours/neighbours.ts';
import type { RouterState } from '../../../../core/service-router.ts';
import type { NodeState } from '../../../state/state.ts';
import { bytes, count, duration, milliseconds, UNKNOWN } from '../../format.ts';
import { Panel } from '../panel.tsx';
import { RoundTripMatrix } from './round-trip-matrix.tsx';

export interface NeighboursProps {
  readonly node: NodeState;
  readonly neighbourhood: NeighbourhoodState;
  /** The one that is chosen. */
  readonly service: RouterState;
}

/** Who helps this node with a service, and the round trips of the neighbourhood. */
export function Neighbours({ node, neighbourhood, service }: NeighboursProps) {
  const { use, heard } = service.neighbours ?? { use: false, heard: [] };
  const { roundTrips } = neighbourhood;
  return (
    <Panel title={`Neighbours of ${service.service}`} area="neighbours" aside={<Traffic {...neighbourhood} />}>
      {heard.length === 0 ? (
        <p class="empty">No neighbour says anything of this service.</p>
      ) : (
        <HeardTable heard={heard} use={use} rttOf={roundTripsOf(node)} />
      )}
      {roundTrips.length > 0 && <RoundTripMatrix rows={roundTrips} />}
    </Panel>
  );
}

function Traffic({ summariesSent, bytesSent, summariesReceived }: NeighbourhoodState) {
  return (
    <span class="num">
      {count(summariesSent)} summaries out ({bytes(bytesSent)}), {count(summariesReceived)} in
    </span>
  );
}

interface HeardProps {
  readonly heard: readonly NeighbourState[];
  readonly use: boolean;
  readonly rttOf: (nodeId: string) => number | null;
}

function HeardTable({ heard, use, rttOf }: HeardProps) {
  return (
    <div class="scroll">
      <table class="neighbours" aria-labelledby="panel-neighbours">
        <thead>
          <tr>
            <th scope="col">Neighbour</th>
            <th scope="col">Standing</th>
            <th scope="col">Round trip</th>
            <th scope="col" class="p2">
              Last heard
            </th>
            <th scope="col" class="p3">
              Summaries
            </th>
            <th scope="col" class="p3">
              Instances
            </th>
            <th scope="col">Samples</th>
          </tr>
        </thead>
        <tbody>
          {heard.map((one) => (
            <tr key={one.nodeId} data-neighbour={one.nodeId}>
              <th scope="row">{one.nodeId}</th>
              <td>
                <Standing neighbour={one} use={use} />
              </td>
              <td class="num">{milliseconds(rttOf(one.nodeId))}</td>
              <td class="num p2">{duration(one.heardAgeMs)} ago</td>
              <td class="num p3">{count(one.summaries)}</td>
              <td class="num p3">{count(one.instances)}</td>
              <td class="num">{one.ignoredMs > 0 ? UNKNOWN : one.samples.toFixed(1)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Standing({ neighbour, use }: { readonly neighbour: NeighbourState; readonly use: boolean }) {
  const { silent, ignoredMs, wrongOver } = neighbour;
  if (ignoredMs === 0) {
    if (silent) return <span class="standing standing-warn">silent</span>;
    return use ? (
      <span class="standing standing-good">helps</span>
    ) : (
      <span class="standing standing-explore">observed</span>
    );
  }
  return (
    <>
      <span class="standing standing-bad">ignored for {duration(ignoredMs)}</span>
      <span class="held">wrong about {wrongOver}</span>
    </>
  );
}

function roundTripsOf({ probes }: NodeState): (nodeId: string) => number | null {
  const rttsMs = new Map(probes.map(({ nodeId, rttMs }) => [nodeId, rttMs]));
  return (nodeId) => rttsMs.get(nodeId) ?? null;
}
