// What a planner hears of nodes on a real broker.

import mqtt from 'mqtt';
import { expect, it, onTestFinished } from 'vitest';
import { nodesByBroker } from '../../../src/cli/online/nodes-by-broker.ts';
import { summaryText } from '../../../src/core/neighbours/summary.ts';
import { startBroker } from '../../../src/demo/broker.ts';
import { withRoundTrips } from '../../../src/placement/messages/round-trips.ts';

function said(perSecond: number, rtts: Readonly<Record<string, number>>): string {
  const seen = { counts: new Array<number>(24).fill(0), failures: 0, perSecond, inFlight: 0 };
  const instances = ['a', 'b'].map((id) => ({ ...seen, key: `n/${id}` as const }));
  return withRoundTrips(summaryText({ spanMs: 2_000, instances }), new Map(Object.entries(rtts)), 2_048);
}

async function start() {
  const broker = await startBroker(0);
  onTestFinished(() => broker.close());
  const client = await mqtt.connectAsync(broker.url);
  onTestFinished(() => client.endAsync(true));
  const say = (node: string, text: string, service = 'web'): Promise<unknown> =>
    client.publishAsync(`qedge/v1/nodes/${node}/observations/${service}`, text, { retain: true });
  return { url: broker.url, say };
}

it('a planner hears the rates and round trips that nodes say, and nothing of nonsense', async () => {
  const { url, say } = await start();
  await say('a', said(12, { b: 4.5 }));
  await say('b', said(3, { a: 5 }));
  await say('liar', said(3, { a: -5 }));
  await say('odd', said(3, { 'no name': 5 }));
  await say('noise', 'noise');
  const { service, nodes } = await nodesByBroker(url, { listenMs: 1_000 });
  expect(service).toBe('web');
  expect(nodes.toSorted((a, b) => a.node.localeCompare(b.node))).toEqual([
    { node: 'a', rate: 24, rttMs: new Map([['b', 4.5]]) },
    { node: 'b', rate: 6, rttMs: new Map([['a', 5]]) },
  ]);
});

it('a planner is asked which service is meant, and says where none is', async () => {
  const { url, say } = await start();
  await expect(nodesByBroker(url, { listenMs: 10 })).rejects.toThrow(/no node speaks of any service/);
  await say('a', said(1, {}));
  await say('a', said(1, {}), 'api');
  await expect(nodesByBroker(url, { listenMs: 1_000 })).rejects.toThrow('--service says which: api, web');
  await expect(nodesByBroker('mqtt://', {})).rejects.toThrow(/^--from: expected a broker/);
});
