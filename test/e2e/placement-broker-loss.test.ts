// Every way of losing a real Mosquitto, seen by nodes that announce instances through it: none of them loses an instance.
// requires: mosquitto

import { describe, expect, it, vi } from 'vitest';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { nodeToml, publisher, retain, startPlacement, type TestPlacement } from '../support/placement.ts';
import { startRelay } from '../support/tcp-relay.ts';

// Real processes on a machine that may be busy: what counts is that it happens, not how soon.
vi.setConfig({ testTimeout: 240_000 });

const soon = { timeout: 60_000, interval: 25 };
const GRACE_MS = 1_500;
const IDS = ['n1', 'n2'];
const ALL = ['n1/a up', 'n2/a up'];

const qedge = (nodeId: string, url: string, more = ''): string =>
  nodeToml(
    { nodeId, url },
    `keep_alive = "1s"
[placement]
allow = ["127.0.0.0/8", "::1/128"]
reach = false
node_grace = "${GRACE_MS}ms"
${more}`,
  );

const announce = `[[announce]]
service = "pilotnet"
id = "a"
url = "http://127.0.0.1:9000"
health = false
`;

/** Two nodes that announce an instance each, and one without any that has heard of both. */
async function startFleet(url: string): Promise<TestPlacement> {
  IDS.forEach((id, i) => {
    startPlacement(qedge(id, url, announce), { boot: id, ownListeners: [{ host: '127.0.0.1', port: 8081 + i }] });
  });
  const watcher = startPlacement(qedge('watcher', url));
  await vi.waitFor(() => expect(watcher.keys()).toEqual(ALL), soon);
  await vi.waitFor(() => expect(watcher.placement.state().nodes).toHaveLength(IDS.length), soon);
  return watcher;
}

/** Longer than any grace period. */
const pastGrace = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2 * GRACE_MS));

/** No instance was ever removed, no matter what else was said of it. */
function expectNothingLost({ updates, keys }: TestPlacement): void {
  expect(updates.filter(({ kind }) => kind === 'instance-removed')).toEqual([]);
  expect(keys()).toEqual(ALL);
}

async function reconnected(broker: Mosquitto, watcher: TestPlacement): Promise<void> {
  const before = watcher.placement.state().broker?.connects ?? 0;
  await broker.start();
  await vi.waitFor(() => expect(watcher.placement.state().broker?.connects).toBeGreaterThan(before), soon);
}

describe('a broker that is stopped', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'by %s takes no instance with it, however long it is away',
    async (signal) => {
      const broker = await startMosquitto();
      const watcher = await startFleet(broker.url);
      await broker.stop(signal);
      await vi.waitFor(() => expect(watcher.placement.state().broker?.connected).toBe(false), soon);
      expect(watcher.keys()).toEqual(ALL);
      await pastGrace();
      expectNothingLost(watcher);
    },
  );

  it.each([true, false])('takes no instance with it when it comes back (with its memory: %s)', async (persistence) => {
    const broker = await startMosquitto({ persistence });
    const watcher = await startFleet(broker.url);
    await broker.stop('SIGTERM');
    await pastGrace();
    await reconnected(broker, watcher);
    await vi.waitFor(() => expect(watcher.nodeEvents.at(-1)?.kind).toBe('node-set'), soon);
    expectNothingLost(watcher);
    const doubts = watcher.updates.filter((update) => update.kind === 'instance-availability');
    // The wills of its stop may be seen for the moment before the connection ends.
    expect(doubts.filter(({ availability }) => availability === 'suspect').length).toBeLessThanOrEqual(IDS.length);
  });

  it('voids the will of a client that is no qedge as well', async () => {
    const broker = await startMosquitto();
    const watcher = await startFleet(broker.url);
    const topic = 'qedge/v1/nodes/n3/services/pilotnet/instances/a';
    const client = await publisher(broker.url, {
      will: { topic, payload: Buffer.alloc(0), qos: 1, retain: true },
    });
    await retain(client, topic, { host: '127.0.0.1', port: 9001 });
    await vi.waitFor(() => expect(watcher.keys()).toEqual([...ALL, 'n3/a up']), soon);
    await broker.stop('SIGTERM');
    await vi.waitFor(() => expect(watcher.placement.state().broker?.connected).toBe(false), soon);
    expect(watcher.keys()).toEqual([...ALL, 'n3/a up']);
  });
});

describe('a network that is cut', () => {
  it('between a node and the broker loses nothing there', async () => {
    const broker = await startMosquitto();
    const relay = await startRelay(broker.port);
    IDS.forEach((id, i) => {
      const ownListeners = [{ host: '127.0.0.1', port: 8081 + i }];
      startPlacement(qedge(id, broker.url, announce), { boot: id, ownListeners });
    });
    const watcher = startPlacement(qedge('watcher', `mqtt://127.0.0.1:${relay.port}`));
    await vi.waitFor(() => expect(watcher.keys()).toEqual(ALL), soon);
    relay.cut();
    await vi.waitFor(() => expect(watcher.placement.state().broker?.connected).toBe(false), soon);
    await pastGrace();
    expectNothingLost(watcher);
  });
});

describe('a session that another client takes over', () => {
  it('loses nothing, neither at its owner nor for others', async () => {
    const broker = await startMosquitto();
    const watcher = await startFleet(broker.url);
    for (const clientId of ['qedge-n1', 'qedge-watcher']) {
      const rival = await publisher(broker.url, { clientId });
      await rival.endAsync();
    }
    await vi.waitFor(
      () => expect(watcher.placement.state().broker).toMatchObject({ connected: true, connects: 2 }),
      soon,
    );
    await pastGrace();
    await vi.waitFor(() => expect(watcher.keys()).toEqual(ALL), soon);
    expectNothingLost(watcher);
  });
});

describe('a node that vanishes', () => {
  it('is given a moment to come back before the broker says that it left', async () => {
    const broker = await startMosquitto();
    const relay = await startRelay(broker.port);
    startPlacement(qedge('n1', `mqtt://127.0.0.1:${relay.port}`, announce), {
      boot: 'n1',
      ownListeners: [{ host: '127.0.0.1', port: 8081 }],
    });
    const watcher = startPlacement(qedge('watcher', broker.url));
    await vi.waitFor(() => expect(watcher.placement.state().nodes).toHaveLength(1), soon);
    const before = performance.now();
    relay.cut();
    await vi.waitFor(() => expect(watcher.nodeEvents.at(-1)?.kind).toBe('node-lost'), soon);
    // The broker waits for 5 s; what it rounds is a second of its own.
    expect(performance.now() - before).toBeGreaterThan(3_500);
    await vi.waitFor(() => expect(watcher.keys()).toEqual([]), soon);
  });
});
