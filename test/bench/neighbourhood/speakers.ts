// A fleet as its broker sees it: each node says what is due of what it saw every half second, and listens to the eight after it.

import { connectAsync, type MqttClient } from 'mqtt';
import { Saying } from '../../../src/core/neighbours/saying.ts';
import { SUMMARY_BYTES_MAX, summaryText } from '../../../src/core/neighbours/summary.ts';
import { createRng } from '../../../src/core/rng.ts';
import { withRoundTrips } from '../../../src/placement/messages/round-trips.ts';
import { observationsTopic } from '../../../src/placement/messages/topics.ts';
import { drive, routerAmongNeighbours } from './drive.ts';

export const PREFIX = 'qedge/v1';
const SERVICE = 'pilotnet';
const EVERY_MS = 500;
const HEARS = 8;
/** Different routers, and what each says or does not say in turn. */
const ROUTERS = 10;
const TURNS = 60;
const CONNECTS_AT_ONCE = 50;

export interface Fleet {
  readonly nodes: number;
}

interface Said {
  readonly text: string;
  readonly retain: boolean;
}

/** Connects all, and says so to the parent when it sends anything; never ends by itself. */
export async function runSpeakers(url: string, { nodes }: Fleet): Promise<void> {
  const said = sayings();
  const clients: MqttClient[] = [];
  while (clients.length < nodes) {
    const some = Array.from({ length: Math.min(CONNECTS_AT_ONCE, nodes - clients.length) }, () =>
      connectAsync(url, { protocolVersion: 5, keepalive: 0 }),
    );
    clients.push(...(await Promise.all(some)));
  }
  await Promise.all(clients.map((client, node) => listen(client, node, nodes)));
  for (const [node, client] of clients.entries()) speak(client, node, said);
  process.on('message', () => process.send?.({}));
}

function sayings(): readonly (Said | null)[][] {
  const near = new Map(Array.from({ length: 16 }, (_, i) => [`node-${100 + i}`, 3.1 + i]));
  return Array.from({ length: ROUTERS }, (_, seed) => {
    const world = routerAmongNeighbours(seed);
    const rng = createRng(seed);
    const saying = new Saying();
    return Array.from({ length: TURNS }, () => {
      drive(world, EVERY_MS, rng);
      const due = saying.next(world.router.neighbours?.summarize(world.nowMs) ?? null, world.nowMs);
      if (due === null) return null;
      return { text: withRoundTrips(summaryText(due), near, SUMMARY_BYTES_MAX), retain: due.isNews !== true };
    });
  });
}

async function listen(client: MqttClient, node: number, nodes: number): Promise<void> {
  const others = Array.from({ length: Math.min(HEARS, nodes - 1) }, (_, i) => (node + 1 + i) % nodes);
  await client.subscribeAsync(others.map((other) => observationsTopic(PREFIX, `node-${other}`, SERVICE)));
}

function speak(client: MqttClient, node: number, said: readonly (Said | null)[][]): void {
  const mine = said[node % said.length] ?? [];
  const topic = observationsTopic(PREFIX, `node-${node}`, SERVICE);
  const properties = { messageExpiryInterval: 10 };
  let turn = node;
  const say = (): void => {
    const one = mine[turn++ % mine.length] ?? null;
    if (one !== null) client.publish(topic, one.text, { qos: 0, retain: one.retain, properties });
  };
  setTimeout(() => setInterval(say, EVERY_MS), (node * EVERY_MS) / 1_000);
}
