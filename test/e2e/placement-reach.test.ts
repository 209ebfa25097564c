// QoS reach against a real broker: what is subscribed to, and how many messages that lets through.
// requires: mosquitto

import { describe, expect, it, vi } from 'vitest';
import { summaryText } from '../../src/core/neighbours/summary.ts';
import { configFrom } from '../support/config.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { publisher, retain, startPlacement } from '../support/placement.ts';

// Real processes on a machine that may be busy: what counts is that it happens, not how soon.
vi.setConfig({ testTimeout: 240_000 });

const qedge = (url: string, reach: boolean): string => `
[node]
id = "reach-${reach}"
[mqtt]
url = "${url}"
[placement]
allow = ["127.0.0.0/8", "::1/128"]
reach = ${reach}
[[service]]
name = "pilotnet"
qos = { latency = "80ms", success = 0.9, window = "10s" }
`;
const soon = { timeout: 60_000, interval: 25 };
const topic = (nodeId: string): string => `qedge/v1/nodes/${nodeId}/services/pilotnet/instances/a`;
const nodeIds = Array.from({ length: 20 }, (_, i) => `n${String(i).padStart(2, '0')}`);
const near = nodeIds.slice(0, 5);

describe('QoS reach', () => {
  it('lets through the instances of near nodes alone, and those of all nodes when it is off', async () => {
    const broker = await startMosquitto();
    const client = await publisher(broker.url);
    for (const id of nodeIds) {
      await retain(client, `qedge/v1/nodes/${id}`, { address: '127.0.0.1', probe_port: 9 });
      await retain(client, topic(id), { host: '127.0.0.1', port: 9000 });
    }
    const close = startPlacement(qedge(broker.url, true));
    const all = startPlacement(qedge(broker.url, false));
    await vi.waitFor(() => expect(close.placement.state().nodes).toHaveLength(20), soon);
    // Nothing is known of the distance yet: no instance is listened to.
    expect(close.placement.state().broker).toMatchObject({ messagesReceived: 20, subscriptions: 2 });
    for (const id of nodeIds) close.placement.observeRtt(id, near.includes(id) ? 20 : 200);
    await vi.waitFor(() => expect(close.keys()).toEqual(near.map((id) => `${id}/a up`)), soon);
    await vi.waitFor(() => expect(all.keys()).toHaveLength(20), soon);
    expect(close.placement.state().broker).toMatchObject({ messagesReceived: 25, subscriptions: 7 });
    expect(all.placement.state().broker).toMatchObject({ messagesReceived: 40, subscriptions: 3 });

    for (let round = 1; round <= 10; round++) {
      for (const id of nodeIds) await retain(client, topic(id), { host: '127.0.0.1', port: 9000 + round });
    }
    await vi.waitFor(() => expect(all.placement.state().broker?.messagesReceived).toBe(240), soon);
    await vi.waitFor(() => expect(close.placement.state().broker?.messagesReceived).toBe(75), soon);
  });

  it('leaves a node above 1.1 times the limit, and learns again what changed there when it is near again', async () => {
    const broker = await startMosquitto();
    const client = await publisher(broker.url);
    await retain(client, 'qedge/v1/nodes/n1', { address: '127.0.0.1', probe_port: 9 });
    await retain(client, topic('n1'), { host: '127.0.0.1', port: 9000 });
    const { placement, keys } = startPlacement(qedge(broker.url, true));
    await vi.waitFor(() => expect(placement.state().nodes).toHaveLength(1), soon);
    const observe = (rttMs: number): void => placement.observeRtt('n1', rttMs);
    const subscriptions = (): number | undefined => placement.state().broker?.subscriptions;

    observe(80);
    observe(79);
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    const received = placement.state().broker?.messagesReceived ?? 0;
    for (const rttMs of [81, 87, 79, 88, 70, 87.9]) observe(rttMs);
    observe(89);
    expect(keys()).toEqual(['n1/a suspect']);
    await vi.waitFor(() => expect(subscriptions()).toBe(2), soon);

    // While nothing listens: one goes, one comes. A marker on a topic that is listened to shows that they have passed.
    await retain(client, topic('n1'), '');
    await retain(client, `${topic('n1')}2`, { host: '127.0.0.1', port: 9002 });
    await retain(client, 'qedge/v1/nodes/marker', {});
    await vi.waitFor(() => expect(placement.state().nodes).toHaveLength(2), soon);
    expect(keys()).toEqual(['n1/a suspect']);
    expect(placement.state().broker?.messagesReceived).toBe(received + 1);

    observe(85);
    expect(keys()).toEqual(['n1/a suspect']);
    observe(75);
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a2 up']), soon);
  });

  it('listens at once to a node whose distance only its instances show', async () => {
    const broker = await startMosquitto();
    const client = await publisher(broker.url);
    await retain(client, 'qedge/v1/nodes/n1', {});
    await retain(client, topic('n1'), { host: '127.0.0.1', port: 9000 });
    const { placement, keys, targets } = startPlacement(qedge(broker.url, true));
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    expect(targets.get('n1')).toEqual({ ping: null, connect: [{ host: '127.0.0.1', port: 9000 }] });
    placement.observeRtt('n1', 300);
    expect(keys()).toEqual(['n1/a suspect']);
    expect(targets.get('n1')).not.toBeNull();
  });

  it('is that of a service from its first moment on when a reload adds it', async () => {
    const broker = await startMosquitto();
    const client = await publisher(broker.url);
    const instanceOf = (id: string, service: string): string => `qedge/v1/nodes/${id}/services/${service}/instances/a`;
    for (const id of ['n1', 'n2']) {
      await retain(client, `qedge/v1/nodes/${id}`, { address: '127.0.0.1', probe_port: 9 });
      for (const service of ['pilotnet', 'brakes']) {
        await retain(client, instanceOf(id, service), { host: '127.0.0.1', port: 9000 });
      }
    }
    const { placement, observations } = startPlacement(qedge(broker.url, true));
    await vi.waitFor(() => expect(placement.state().nodes).toHaveLength(2), soon);
    placement.observeRtt('n1', 2);
    placement.observeRtt('n2', 20);
    const known = (): string[] =>
      placement.state().instances.map(({ instance: { service, nodeId } }) => `${service} ${nodeId}`);
    await vi.waitFor(() => expect(known().sort()).toEqual(['pilotnet n1', 'pilotnet n2']), soon);
    const brakes = '[[service]]\nname = "brakes"\nqos.latency = "10ms"\n';
    placement.configure(configFrom(qedge(broker.url, true) + brakes));
    // No node is measured again: how far both are is known.
    await vi.waitFor(() => expect(known().sort()).toEqual(['brakes n1', 'pilotnet n1', 'pilotnet n2']), soon);
    const summary = { spanMs: 2_000, instances: [] };
    const heard = async (): Promise<string[]> => {
      placement.exchange(new Map());
      for (const id of ['n1', 'n2']) {
        for (const service of ['pilotnet', 'brakes']) {
          await client.publishAsync(`qedge/v1/nodes/${id}/observations/${service}`, summaryText(summary));
        }
      }
      return [...new Set(observations.map(({ service, nodeId }) => `${service} ${nodeId}`))].sort();
    };
    await expect.poll(heard, soon).toEqual(['brakes n1', 'pilotnet n1', 'pilotnet n2']);
  });

  it('holds after the broker was away', async () => {
    const broker = await startMosquitto();
    const client = await publisher(broker.url);
    for (const id of ['n1', 'n2']) {
      await retain(client, `qedge/v1/nodes/${id}`, { address: '127.0.0.1', probe_port: 9 });
      await retain(client, topic(id), { host: '127.0.0.1', port: 9000 });
    }
    const { placement, keys } = startPlacement(qedge(broker.url, true));
    await vi.waitFor(() => expect(placement.state().nodes).toHaveLength(2), soon);
    placement.observeRtt('n1', 10);
    placement.observeRtt('n2', 500);
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    await broker.stop();
    await broker.start();
    await vi.waitFor(() => expect(placement.state().broker).toMatchObject({ connects: 2, subscriptions: 3 }), soon);
    await retain(await publisher(broker.url), topic('n1'), '');
    await vi.waitFor(() => expect(keys()).toEqual([]), soon);
  });
});
