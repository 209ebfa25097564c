// Two qedge processes, a real Mosquitto, instances that come and go: traffic goes on throughout.
// requires: mosquitto

import { describe, expect, it, vi } from 'vitest';
import { startClients } from '../support/client-load.ts';
import { startInstance } from '../support/http-instance.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { publisher, retain } from '../support/placement.ts';
import { type QedgeProcess, startQedge } from '../support/qedge-process.ts';

// Real processes on a machine that may be busy: what counts is that it happens, not how soon.
vi.setConfig({ testTimeout: 240_000 });

const soon = { timeout: 60_000, interval: 50 };
const topic = (nodeId: string, id: string): string => `qedge/v1/nodes/${nodeId}/services/pilotnet/instances/${id}`;

const toml = (brokerUrl: string, announced: readonly (readonly [string, number])[] = [], more = ''): string => `
[mqtt]
url = "${brokerUrl}"
keep_alive = "5s"
[placement]
allow = ["127.0.0.0/8", "::1/128"]
${more}
[[service]]
name = "pilotnet"
qos = { latency = "500ms", success = 0.9, window = "10s" }
timeout = "10s"
${announced
  .map(
    ([id, port]) => `
[[announce]]
service = "pilotnet"
id = "${id}"
url = "http://127.0.0.1:${port}"
health = { kind = "http", path = "/", interval = "200ms", failures_max = 2 }
`,
  )
  .join('')}`;

const expectKeys = (nodes: readonly QedgeProcess[], keys: readonly string[]): Promise<void> =>
  vi.waitFor(async () => {
    for (const node of nodes) expect([node.nodeId, await node.keys('pilotnet')]).toEqual([node.nodeId, keys]);
  }, soon);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a cold start', () => {
  it('answers the first request with the instance that the broker has to say yet', async () => {
    const broker = await startMosquitto();
    const { port } = await startInstance();
    const client = await publisher(broker.url);
    await retain(client, 'qedge/v1/nodes/n9', {});
    await retain(client, topic('n9', 'a'), { host: '127.0.0.1', port });
    const { url } = await startQedge('n1', toml(broker.url, [], 'wait = "60s"'));
    const answer = await fetch(url, { headers: { 'X-QEdge-Service': 'pilotnet' } });
    expect([answer.status, answer.headers.get('x-qedge-instance')]).toEqual([200, 'n9/a']);
  });
});

describe('two qedges and a broker', () => {
  it('lose no request while instances are announced, moved and withdrawn, and the broker is stopped and started', async () => {
    const broker = await startMosquitto();
    const [a, b, c] = [await startInstance(), await startInstance(), await startInstance()];
    const nodes = await Promise.all([
      startQedge('n1', toml(broker.url, [['a', a.port]])),
      startQedge('n2', toml(broker.url, [['b', b.port]])),
    ]);
    await expectKeys(nodes, ['n1/a up', 'n2/b up']);
    const clients = startClients(
      nodes.map(({ url }) => url),
      'pilotnet',
      20,
    );

    // A third node announces an instance, by hand.
    const client = await publisher(broker.url);
    await retain(client, 'qedge/v1/nodes/n3', {});
    await retain(client, topic('n3', 'c'), c.address);
    await expectKeys(nodes, ['n1/a up', 'n2/b up', 'n3/c up']);
    await vi.waitFor(() => expect([...clients.answersBy.keys()].sort()).toEqual(['n1/a', 'n2/b', 'n3/c']), soon);

    // It moves: the new place is announced, then the old one withdrawn and closed.
    const moved = await startInstance();
    await retain(client, topic('n3', 'c2'), moved.address);
    await retain(client, topic('n3', 'c'), '');
    await expectKeys(nodes, ['n1/a up', 'n2/b up', 'n3/c2 up']);
    await c.close();

    await broker.stop();
    await vi.waitUntil(() => nodes.every(({ log }) => log.some(({ msg }) => msg === 'broker lost')), soon);
    clients.forget();
    const answered = (): number => [...clients.answersBy.values()].reduce((sum, count) => sum + count, 0);
    await vi.waitFor(() => expect(answered()).toBeGreaterThan(50), soon);
    await broker.start();
    // What was missed meanwhile is made up for.
    await retain(await publisher(broker.url), topic('n3', 'c2'), '');
    await expectKeys(nodes, ['n1/a up', 'n2/b up']);

    await clients.stop();
    expect(clients.failures).toEqual([]);
  });

  it('notice that a node was killed by its last will, and lose no request', async () => {
    const broker = await startMosquitto();
    const [a, b] = [await startInstance(), await startInstance()];
    const more = 'node_grace = "2s"';
    const n1 = await startQedge('n1', toml(broker.url, [['a', a.port]], more));
    const n2 = await startQedge('n2', toml(broker.url, [['b', b.port]], more));
    await expectKeys([n1, n2], ['n1/a up', 'n2/b up']);
    const clients = startClients([n1.url], 'pilotnet', 20);
    await n2.stop('SIGKILL');
    await expectKeys([n1], ['n1/a up', 'n2/b suspect']);
    await pause(200);
    clients.forget();
    await b.close();
    await expectKeys([n1], ['n1/a up']);
    await clients.stop();
    expect([...clients.answersBy.keys()]).toEqual(['n1/a']);
    expect(clients.failures).toEqual([]);

    // It returns, and takes back what its earlier life left behind.
    const again = await startInstance();
    const n2again = await startQedge('n2', toml(broker.url, [['b2', again.port]], more));
    await expectKeys([n1, n2again], ['n1/a up', 'n2/b2 up']);
  });

  it('withdraw an instance whose local health check fails, and what they announced when they stop', async () => {
    const broker = await startMosquitto();
    const [a, b] = [await startInstance(), await startInstance()];
    const n1 = await startQedge('n1', toml(broker.url, [['a', a.port]]));
    const n2 = await startQedge('n2', toml(broker.url, [['b', b.port]]));
    await expectKeys([n1, n2], ['n1/a up', 'n2/b up']);
    await a.close();
    await expectKeys([n1, n2], ['n2/b up']);
    const stopped = await n2.stop();
    expect(stopped).toBe(0);
    await expectKeys([n1], []);
  });
});
