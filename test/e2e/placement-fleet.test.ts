// A fleet: 30 qedge processes and 100 instances that join, move and leave while clients send. It takes about 3 GB of
// memory and half a minute of two cores.
// requires: mosquitto

import { describe, expect, it, vi } from 'vitest';
import { startClients } from '../support/client-load.ts';
import { type HttpInstance, startInstance } from '../support/http-instance.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { publisher, retain, retained } from '../support/placement.ts';
import { type QedgeProcess, startQedge } from '../support/qedge-process.ts';

const NODES = 30;
const INSTANCES = 100;
/** Processes that start at a time: all at once would starve each other on two cores. */
const STARTS_AT_ONCE = 4;

const soon = { timeout: 60_000, interval: 500 };
const nodeIds = Array.from({ length: NODES }, (_, i) => `n${String(i).padStart(2, '0')}`);
const toml = (brokerUrl: string): string => `
[mqtt]
url = "${brokerUrl}"
[placement]
allow = ["127.0.0.0/8", "::1/128"]
# Longer than the test, so that what is suspect is still there when the last node is asked.
node_grace = "1h"
[[service]]
name = "pilotnet"
qos = { latency = "2s", success = 0.9, window = "10s" }
timeout = "30s"
`;

async function startFleet(brokerUrl: string): Promise<readonly QedgeProcess[]> {
  const fleet: QedgeProcess[] = [];
  for (let i = 0; i < NODES; i += STARTS_AT_ONCE) {
    const ids = nodeIds.slice(i, i + STARTS_AT_ONCE);
    fleet.push(...(await Promise.all(ids.map((id) => startQedge(id, toml(brokerUrl))))));
  }
  return fleet;
}

describe('a fleet of 30 qedges', () => {
  it('knows all 100 instances everywhere and loses no request while they join, move and leave', {
    timeout: 600_000,
  }, async () => {
    const broker = await startMosquitto();
    const client = await publisher(broker.url);
    const placed = new Map<string, HttpInstance>();
    const nodeOf = (i: number): string => nodeIds[i % NODES] ?? '';
    const topic = (i: number): string => `qedge/v1/nodes/${nodeOf(i)}/services/pilotnet/instances/i${i}`;
    const place = async (i: number): Promise<void> => {
      const instance = await startInstance();
      placed.set(topic(i), instance);
      await retain(client, topic(i), instance.address);
    };
    const expectAll = async (fleet: readonly QedgeProcess[]): Promise<void> => {
      const wanted = [...placed.keys()].map((name) => {
        const [, , , nodeId, , , , id] = name.split('/');
        return `${nodeId}/${id} up`;
      });
      for (const qedge of fleet)
        await vi.waitFor(async () => expect(await qedge.keys('pilotnet')).toEqual(wanted.sort()), soon);
    };

    for (let i = 0; i < INSTANCES / 2; i++) await place(i);
    const fleet = await startFleet(broker.url);
    await expectAll(fleet);
    const clients = startClients(
      fleet.map(({ url }) => url),
      'pilotnet',
      1,
    );
    // Join.
    for (let i = INSTANCES / 2; i < INSTANCES; i++) await place(i);
    await expectAll(fleet);
    // Move: the same instance at another address. Leave: withdrawn, then closed once no client goes there any more.
    const old: HttpInstance[] = [];
    for (let i = 0; i < INSTANCES; i += 4) {
      const before = placed.get(topic(i));
      if (before !== undefined) old.push(before);
      await place(i);
    }
    for (let i = 1; i < INSTANCES; i += 4) {
      const before = placed.get(topic(i));
      if (before !== undefined) old.push(before);
      placed.delete(topic(i));
      await retain(client, topic(i), '');
    }
    await expectAll(fleet);
    for (const instance of old) await instance.close();
    // The broker is killed, and comes back with what it had written: it writes once a second.
    await pause(2_000);
    await broker.stop('SIGKILL');
    await pause(2_000);
    await broker.start();
    // One node is killed: its last will reaches all others.
    const killed = fleet[NODES - 1];
    await vi.waitFor(async () => {
      const nodes = await retainedNodes(broker.url);
      expect(nodes).toEqual(nodeIds);
    }, soon);
    await clients.leave(killed?.url ?? '');
    await vi.waitFor(async () => expect(await connects(killed)).toBeGreaterThan(1), soon);
    await killed?.stop('SIGKILL');
    const others = fleet.slice(0, NODES - 1);
    for (const qedge of others) {
      await vi.waitFor(async () => {
        const suspect = (await qedge.keys('pilotnet')).filter((key) => key.endsWith(' suspect'));
        expect(suspect.length).toBeGreaterThan(0);
        expect(suspect.every((key) => key.startsWith(`${killed?.nodeId}/`))).toBe(true);
      }, soon);
    }
    const sentBefore = clients.sent;
    await vi.waitFor(() => expect(clients.sent).toBeGreaterThan(sentBefore + NODES), soon);
    await clients.stop();
    expect(clients.failures).toEqual([]);
  });
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** How often it has reached a broker. Only one that did has a last will there. */
async function connects(qedge: QedgeProcess | undefined): Promise<number> {
  const metrics = await (await fetch(`${qedge?.adminUrl}/metrics`)).text();
  return Number(/^qedge_mqtt_connects_total (\d+)$/m.exec(metrics)?.[1]);
}

async function retainedNodes(url: string): Promise<readonly string[]> {
  const client = await publisher(url);
  const found = await retained(client, 'qedge/v1/nodes/+');
  await client.endAsync();
  return [...found.keys()].map((topic) => topic.split('/').at(-1) ?? '').sort();
}
