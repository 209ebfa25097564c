// The machine and the process qedge runs in, and what it is connected to.

import type { ComponentChildren } from 'preact';
import type { NodeState, ProbeFacts } from '../../state/state.ts';
import { bytes, clockTime, count, duration, milliseconds, percent, UNKNOWN } from '../format.ts';
import { Panel } from './panel.tsx';

/** Facts of the node and its process. */
export function NodePanel({ node }: { readonly node: NodeState }) {
  const { process } = node;
  return (
    <Panel
      title="Node"
      area="node"
      aside={<span class="quiet">{`${node.version} · Node ${node.nodejs} · ${node.arch}`}</span>}
    >
      <dl class="facts facts-wide">
        <Fact name="CPU">
          {percent(process.cpuCores, 1)} of a core
          <Meter ratio={process.cpuCores} />
        </Fact>
        <Fact name="Event loop busy">
          {percent(process.eventLoopUtilizationRatio, 1)}
          <Meter ratio={process.eventLoopUtilizationRatio} />
        </Fact>
        <Fact name="Memory">
          {bytes(process.residentBytes)}
          <Meter ratio={process.residentBytes / process.machineMemoryBytes} />
        </Fact>
        <Fact name="Machine">
          {bytes(process.machineMemoryFreeBytes)} free of {bytes(process.machineMemoryBytes)}, load{' '}
          {process.machineLoad1.toFixed(2)} on {process.machineCores} cores
        </Fact>
        <Fact name="Broker">{brokerWords(node)}</Fact>
        <Fact name="Store">{storeWords(node)}</Fact>
        <Fact name="Listening">{node.listeners.map((one) => `${one.name} ${one.host}:${one.port}`).join(', ')}</Fact>
        <Fact name="Process">
          pid {process.pid}, up {duration(process.uptimeMs)}
          {process.openFileDescriptors !== null && `, ${process.openFileDescriptors} files open`}
        </Fact>
      </dl>
      {node.probes.length > 0 && <Probes probes={node.probes} />}
    </Panel>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="num">{children}</dd>
    </div>
  );
}

function Meter({ ratio }: { readonly ratio: number }) {
  return (
    <span class="bar" aria-hidden="true">
      <i style={{ width: `${Math.min(1, ratio) * 100}%` }} />
    </span>
  );
}

function brokerWords({ broker }: NodeState): string {
  if (broker === null) return 'none configured';
  const since = broker.sinceMs === null ? '' : ` since ${clockTime(broker.sinceMs)}`;
  const rejected = broker.messagesRejected > 0 ? `, ${count(broker.messagesRejected)} rejected` : '';
  return `${broker.connected ? 'connected' : 'away'}${since}, ${count(broker.messagesReceived)} messages${rejected} (${broker.url})`;
}

function storeWords({ store }: NodeState): string {
  if (store === null) return 'nothing is kept';
  if (!store.ok) return `failing: ${store.detail}`;
  const flushed = store.lastFlushMs === null ? '' : `, written ${clockTime(store.lastFlushMs)}`;
  return `${store.bytes === null ? '' : `${bytes(store.bytes)} `}at ${store.path}${flushed}`;
}

function Probes({ probes }: { readonly probes: readonly ProbeFacts[] }) {
  return (
    <div class="scroll">
      <table class="probes" aria-label="Probed nodes">
        <thead>
          <tr>
            <th scope="col">Probed node</th>
            <th scope="col">Tier</th>
            <th scope="col">Round trip</th>
            <th scope="col">Last answer</th>
            <th scope="col">Missed</th>
          </tr>
        </thead>
        <tbody>
          {probes.map((probe) => (
            <tr key={probe.nodeId}>
              <th scope="row">{probe.nodeId}</th>
              <td>{probe.tier ?? UNKNOWN}</td>
              <td class="num">{milliseconds(probe.rttMs)}</td>
              <td class="num">{probe.ageMs === null ? UNKNOWN : `${duration(probe.ageMs)} ago`}</td>
              <td class="num">{probe.failures}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
