// Placement against a real Mosquitto: what is announced is learned, and no broker trouble makes it be forgotten.
// requires: mosquitto

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { configFrom } from '../support/config.ts';
import { startHealthEndpoint } from '../support/health-endpoint.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { nodeToml, publisher, retain, retained, startPlacement } from '../support/placement.ts';

// Real processes on a machine that may be busy: what counts is that it happens, not how soon.
vi.setConfig({ testTimeout: 240_000 });

const qedge = (nodeId: string, url: string, more = ''): string =>
  nodeToml(
    { nodeId, url },
    `${more.includes('[placement]') ? '' : '[placement]\nreach = false\nallow = ["127.0.0.0/8", "::1/128"]\n'}${more}`,
  );

const instanceTopic = (nodeId: string, id: string, service = 'pilotnet'): string =>
  `qedge/v1/nodes/${nodeId}/services/${service}/instances/${id}`;
const address = { host: '127.0.0.1', port: 9000 };
const other = { boot: 'b1', ownListeners: [{ host: '127.0.0.1', port: 8081 }] };
const announce = (port: number): string => `[[announce]]
service = "pilotnet"
id = "a"
url = "http://127.0.0.1:${port}"
health = { kind = "http", path = "/up", interval = "100ms", timeout = "1s", failures_max = 2 }
`;
const LOAD = {
  cpuRatio: 0.97,
  memoryRatio: 0.5,
  temperatureC: 81,
  throttled: true,
  power: 'battery',
  batteryRatio: 0.2,
} as const;
const soon = { timeout: 60_000, interval: 25 };

describe('announcements over a broker', () => {
  it('are learned whether they came before or after the connection, and withdrawn', async () => {
    const broker = await startMosquitto();
    const client = await publisher(broker.url);
    await retain(client, instanceTopic('n1', 'before'), address);
    const { keys, placement } = startPlacement(qedge('self', broker.url));
    await vi.waitFor(() => expect(keys()).toEqual(['n1/before up']), soon);
    await retain(client, instanceTopic('n1', 'after'), address);
    await retain(client, instanceTopic('n1', 'foreign', 'unknown-service'), address);
    await vi.waitFor(() => expect(keys()).toEqual(['n1/after up', 'n1/before up']), soon);
    await retain(client, instanceTopic('n1', 'before'), '');
    await vi.waitFor(() => expect(keys()).toEqual(['n1/after up']), soon);
    expect(placement.state().broker).toMatchObject({ connected: true, protocol: '5', connects: 1 });
  });

  it('all arrive, though they are more than a broker queues', async () => {
    const broker = await startMosquitto({ persistence: false });
    const client = await publisher(broker.url);
    const ids = Array.from({ length: 3_000 }, (_, i) => `i${i}`);
    await Promise.all(ids.map((id) => retain(client, instanceTopic('n1', id), address)));
    const { placement } = startPlacement(qedge('self', broker.url));
    await vi.waitFor(() => expect(placement.state().instances).toHaveLength(3_000), soon);
  });

  it('of a node are taken back when it stops', async () => {
    const broker = await startMosquitto();
    const service = await startHealthEndpoint();
    const first = startPlacement(qedge('n1', broker.url, announce(service.port)), other);
    const { keys, nodeEvents } = startPlacement(qedge('self', broker.url));
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    // Instances are announced first, the node after them.
    await vi.waitFor(() => {
      const seen = nodeEvents.map((event) => (event.kind === 'node-set' ? event.node : null));
      expect(seen).toContainEqual(
        expect.objectContaining({ id: 'n1', address: '127.0.0.1', probePort: 8081, boot: 'b1' }),
      );
    }, soon);
    expect(first.keys()).toEqual(['n1/a up']);
    await first.placement.stop();
    await vi.waitFor(() => expect(keys()).toEqual([]), soon);
    const client = await publisher(broker.url);
    expect([...(await retained(client, 'qedge/v1/#')).keys()]).toEqual(['qedge/v1/nodes/self']);
  });

  it('are withdrawn while a local health check fails, and come back with it', async () => {
    const broker = await startMosquitto();
    const service = await startHealthEndpoint();
    const announcer = startPlacement(qedge('n1', broker.url, announce(service.port)), other);
    const { keys } = startPlacement(qedge('self', broker.url));
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    service.answerWith(503);
    await vi.waitFor(() => expect(keys()).toEqual([]), soon);
    expect(announcer.logLines).toContainEqual(
      expect.objectContaining({ msg: 'instance withdrawn', reason: 'status 503' }),
    );
    service.answerWith(204);
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
  });

  it('are said again when another publisher clears them', async () => {
    const broker = await startMosquitto();
    const service = await startHealthEndpoint();
    startPlacement(qedge('n1', broker.url, announce(service.port)), other);
    const { keys, nodeEvents } = startPlacement(qedge('self', broker.url));
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    // Instances are announced first, the node after them: before that there is nothing to clear.
    const known = (): boolean => nodeEvents.some((event) => event.kind === 'node-set' && event.node.id === 'n1');
    await vi.waitFor(() => expect(known()).toBe(true), soon);
    const client = await publisher(broker.url);
    await retain(client, 'qedge/v1/nodes/n1', '');
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a suspect']), soon);
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    await retain(client, instanceTopic('n1', 'a'), '');
    await vi.waitFor(() => expect(keys()).toEqual([]), soon);
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
  });

  it('follow a configuration that is reloaded', async () => {
    const broker = await startMosquitto();
    const client = await publisher(broker.url);
    await retain(client, instanceTopic('n1', 'a'), address);
    await retain(client, instanceTopic('n1', 'b', 'second'), address);
    const service = await startHealthEndpoint();
    const { keys, placement, updates } = startPlacement(qedge('self', broker.url));
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    const second = `[[service]]
name = "second"
qos = { latency = "80ms", success = 0.9, window = "10s" }
instances = ["http://127.0.0.1:9001"]
`;
    placement.configure(configFrom(qedge('self', broker.url, announce(service.port)) + second));
    expect(keys()).toEqual(['127.0.0.1/9001 up', 'n1/a up']);
    await vi.waitFor(() => expect(keys()).toEqual(['127.0.0.1/9001 up', 'n1/a up', 'n1/b up', 'self/a up']), soon);
    placement.configure(configFrom(qedge('self', broker.url)));
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    // What stayed was never touched.
    expect(updates.filter((update) => update.kind === 'instance-removed').map(({ key }) => key)).toEqual(['self/a']);
  });

  it('stay where they are when the configuration around them is reloaded, and go when they leave it', async () => {
    const broker = await startMosquitto();
    const service = await startHealthEndpoint();
    const leaving = announce(service.port).replace('id = "a"', 'id = "b"');
    const announcer = startPlacement(qedge('n1', broker.url, announce(service.port) + leaving), other);
    const { keys, updates, nodeEvents, placement } = startPlacement(qedge('self', broker.url));
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up', 'n1/b up']), soon);
    announcer.placement.announceLoad(LOAD);
    await vi.waitFor(() => expect(placement.state().nodes[0]?.node.load).toEqual(LOAD), soon);
    const said = updates.length;
    const changed = qedge('n1', broker.url, announce(service.port)).replace('"80ms"', '"90ms"');
    announcer.placement.configure(configFrom(changed.replace('[mqtt]', 'labels = { zone = "b" }\n[mqtt]')));
    await vi.waitFor(() => expect(placement.state().nodes[0]?.node.labels).toEqual({ zone: 'b' }), soon);
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    expect(updates.slice(said)).toEqual([{ kind: 'instance-removed', key: 'n1/b' }]);
    expect(nodeEvents.filter(({ kind }) => kind === 'node-lost')).toEqual([]);
    expect(placement.state().nodes[0]?.node.load).toEqual(LOAD);
    expect(announcer.keys()).toEqual(['n1/a up']);
    // They are checked on as before.
    service.answerWith(503);
    await vi.waitFor(() => expect(keys()).toEqual([]), soon);
    expect(announcer.keys()).toEqual([]);
  });

  it('are taken back by a stop that comes in the middle of a reload', async () => {
    const broker = await startMosquitto();
    const service = await startHealthEndpoint();
    const announcer = startPlacement(qedge('n1', broker.url, announce(service.port)), other);
    const { keys, placement } = startPlacement(qedge('self', broker.url));
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    await vi.waitFor(() => expect(placement.state().nodes).toHaveLength(1), soon);
    announcer.placement.configure(
      configFrom(qedge('n1', broker.url, announce(service.port)).replace('"80ms"', '"90ms"')),
    );
    await new Promise((resolve) => setImmediate(resolve));
    await announcer.placement.stop();
    await vi.waitFor(() => expect(keys()).toEqual([]), soon);
    const client = await publisher(broker.url);
    expect([...(await retained(client, 'qedge/v1/#')).keys()]).toEqual(['qedge/v1/nodes/self']);
  });

  it('that fail their check while the broker is away are taken back when it returns', async () => {
    const broker = await startMosquitto();
    const service = await startHealthEndpoint();
    const announcer = startPlacement(qedge('n1', broker.url, announce(service.port)), other);
    const client = await publisher(broker.url);
    const topics = async (from: typeof client): Promise<readonly string[]> =>
      [...(await retained(from, 'qedge/v1/#')).keys()].sort();
    const all = ['qedge/v1/nodes/n1', instanceTopic('n1', 'a')];
    await vi.waitFor(async () => expect(await topics(client)).toEqual(all), soon);
    await broker.stop();
    service.answerWith(503);
    await vi.waitFor(() => expect(announcer.keys()).toEqual([]), soon);
    await broker.start();
    const again = await publisher(broker.url);
    await vi.waitFor(async () => expect(await topics(again)).toEqual(['qedge/v1/nodes/n1']), soon);
  });

  it('count only where they carry the labels that the service demands', async () => {
    const broker = await startMosquitto();
    const client = await publisher(broker.url);
    const constrained = `${qedge('self', broker.url)}constraints = { accelerator = "hailo-8" }\n`;
    const { keys } = startPlacement(constrained);
    await retain(client, instanceTopic('n1', 'plain'), address);
    await retain(client, instanceTopic('n1', 'fit'), { ...address, labels: { accelerator: 'hailo-8', zone: 'a' } });
    await vi.waitFor(() => expect(keys()).toEqual(['n1/fit up']), soon);
    await retain(client, instanceTopic('n1', 'fit'), { ...address, labels: { accelerator: 'none' } });
    await vi.waitFor(() => expect(keys()).toEqual([]), soon);
  });

  it('report how hard pressed a node is', async () => {
    const broker = await startMosquitto();
    const { placement: pressed } = startPlacement(qedge('n1', broker.url), other);
    const { placement, nodeEvents } = startPlacement(qedge('self', broker.url));
    await vi.waitFor(() => expect(placement.state().nodes).toHaveLength(1), soon);
    pressed.announceLoad(LOAD);
    const event = { kind: 'node-load', nodeId: 'n1', load: LOAD };
    await vi.waitFor(() => expect(nodeEvents.at(-1)).toEqual(event), soon);
    expect(placement.state().nodes[0]?.node.load).toEqual(LOAD);
  });

  it('leave nothing behind in the connection, however many there are', async () => {
    const broker = await startMosquitto();
    const warnings: string[] = [];
    const collect = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', collect);
    onTestFinished(() => void process.off('warning', collect));
    const { placement: pressed } = startPlacement(qedge('n1', broker.url), other);
    const { placement } = startPlacement(qedge('self', broker.url));
    await vi.waitFor(() => expect(placement.state().nodes).toHaveLength(1), soon);
    for (let i = 1; i <= 20; i++) pressed.announceLoad({ ...LOAD, temperatureC: i });
    await vi.waitFor(() => expect(placement.state().nodes[0]?.node.load?.temperatureC).toBe(20), soon);
    expect(warnings).toEqual([]);
  });

  it('offer no probe port that others cannot reach', async () => {
    const broker = await startMosquitto();
    const client = await publisher(broker.url);
    const remote = qedge('n1', broker.url).replace('address = "127.0.0.1"', 'address = "10.0.0.9"');
    startPlacement(remote, { boot: 'b1', ownListeners: [{ host: '127.0.0.1', port: 8080 }] });
    startPlacement(remote.replace('"n1"', '"n2"'), { boot: 'b2', ownListeners: [{ host: '0.0.0.0', port: 8080 }] });
    await vi.waitFor(async () => {
      const nodes = await retained(client, 'qedge/v1/nodes/+');
      expect(JSON.parse(nodes.get('qedge/v1/nodes/n1') ?? '{}')).toEqual({
        address: '10.0.0.9',
        labels: {},
        boot: 'b1',
      });
      expect(JSON.parse(nodes.get('qedge/v1/nodes/n2') ?? '{}')).toMatchObject({
        address: '10.0.0.9',
        probe_port: 8080,
      });
    }, soon);
  });

  it('left over from an earlier life of this node are taken back', async () => {
    const broker = await startMosquitto();
    const client = await publisher(broker.url);
    await retain(client, instanceTopic('self', 'old'), { ...address, boot: 'b0' });
    await retain(client, instanceTopic('self', 'by-hand'), address);
    const { keys } = startPlacement(qedge('self', broker.url), { boot: 'b1' });
    await vi.waitFor(() => expect(keys()).toEqual(['self/by-hand up']), soon);
    await vi.waitFor(async () => {
      const topics = [...(await retained(client, 'qedge/v1/#')).keys()];
      expect(topics.sort()).toEqual(['qedge/v1/nodes/self', instanceTopic('self', 'by-hand')]);
    }, soon);
  });

  it('of an earlier life stay until the first check is done, and go when it fails', async () => {
    const broker = await startMosquitto();
    const client = await publisher(broker.url);
    await retain(client, instanceTopic('n1', 'a'), { ...address, boot: 'b0' });
    const checked: ServerResponse[] = [];
    const server = createServer((_request, response) => void checked.push(response));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const slow = announce((server.address() as AddressInfo).port).replace('timeout = "1s"', 'timeout = "100s"');
    const { placement } = startPlacement(qedge('n1', broker.url, slow), other);
    await vi.waitFor(() => expect(placement.state().broker?.synced).toBe(true), soon);
    const there = async (): Promise<boolean> => (await retained(client, 'qedge/v1/#')).has(instanceTopic('n1', 'a'));
    expect(await there()).toBe(true);
    await vi.waitFor(() => expect(checked).toHaveLength(1), soon);
    checked[0]?.writeHead(503).end();
    await vi.waitFor(async () => expect(await there()).toBe(false), soon);
  });
});

describe('a broker that goes away', () => {
  it('takes nothing with it, and a withdrawal that was missed is made up for', async () => {
    const broker = await startMosquitto();
    const client = await publisher(broker.url);
    await retain(client, 'qedge/v1/nodes/n1', { address: '127.0.0.1' });
    await retain(client, instanceTopic('n1', 'a'), address);
    await retain(client, instanceTopic('n1', 'b'), address);
    const { keys, placement } = startPlacement(qedge('self', broker.url));
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up', 'n1/b up']), soon);
    await broker.stop();
    await vi.waitFor(() => expect(placement.state().broker?.connected).toBe(false), soon);
    expect(keys()).toEqual(['n1/a up', 'n1/b up']);
    await broker.start();
    // Before our own reconnect, or after it: either way it has to be noticed.
    await retain(await publisher(broker.url), instanceTopic('n1', 'b'), '');
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
  });

  it('takes nothing with it even when it comes back without its memory', async () => {
    const broker = await startMosquitto({ persistence: false });
    await retain(await publisher(broker.url), instanceTopic('n1', 'a'), address);
    const { keys, placement } = startPlacement(qedge('self', broker.url));
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    await broker.stop('SIGKILL');
    await broker.start();
    await vi.waitFor(() => expect(placement.state().broker?.connects).toBe(2), soon);
    expect(keys()).toEqual(['n1/a up']);
  });

  it('is replaced by the next of the list', async () => {
    const brokers = [await startMosquitto(), await startMosquitto()];
    const urls = brokers.map(({ url }) => url);
    for (const url of urls) await retain(await publisher(url), instanceTopic('n1', 'a'), address);
    const toml = qedge('self', '').replace('url = ""', `url = ${JSON.stringify(urls)}`);
    const { keys, placement } = startPlacement(toml);
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    expect(placement.state().broker?.url).toBe(urls[0]);
    await brokers[0]?.stop();
    await vi.waitFor(() => expect(placement.state().broker).toMatchObject({ connected: true, url: urls[1] }), soon);
    await retain(await publisher(urls[1] ?? ''), instanceTopic('n1', 'b'), address);
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up', 'n1/b up']), soon);
  });
});
