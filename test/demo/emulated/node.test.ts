import { connectAsync, type MqttClient } from 'mqtt';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRng } from '../../../src/core/rng.ts';
import { type Broker, startBroker } from '../../../src/demo/broker.ts';
import { EmulatedNode } from '../../../src/demo/emulated/node.ts';
import { steer } from '../../../src/demo/scenes/inference.ts';
import type { DemoNode } from '../../../src/demo/scenes/scene.ts';
import { PATIENCE } from '../../support/patience.ts';

const NODE: DemoNode = {
  id: 'box-1',
  tier: 'near-edge',
  rttMs: 30,
  jitterMs: 0,
  models: [{ services: ['pilotnet'], answer: steer, workMs: 5, profile: null }],
  present: true,
};
const NODE_TOPIC = 'qedge/v1/nodes/box-1';
const INSTANCE_TOPIC = 'qedge/v1/nodes/box-1/services/pilotnet/instances/pilotnet';

let broker: Broker;
let watcher: MqttClient;
const heard = new Map<string, string>();

const start = (changes: Partial<DemoNode> = {}): Promise<EmulatedNode> =>
  EmulatedNode.start({
    node: { ...NODE, ...changes },
    brokerUrl: broker.url,
    announced: true,
    rng: createRng(1),
  });

beforeEach(async () => {
  heard.clear();
  broker = await startBroker(0);
  watcher = await connectAsync(broker.url);
  watcher.on('message', (topic, payload) => heard.set(topic, payload.toString()));
  await watcher.subscribeAsync('qedge/v1/#', { qos: 1 });
});

afterEach(async () => {
  await watcher.endAsync(true);
  await broker.close();
});

describe('an emulated node', () => {
  it('announces itself and its instances, and takes both back when it leaves', async () => {
    const node = await start();
    await vi.waitFor(() => expect(heard.size).toBe(2), PATIENCE);
    expect(JSON.parse(heard.get(NODE_TOPIC) ?? '')).toMatchObject({ address: '127.0.0.1', tier: 'near-edge' });
    const instance = JSON.parse(heard.get(INSTANCE_TOPIC) ?? '');
    expect(instance).toMatchObject({
      host: '127.0.0.1',
      port: node.instances.get('pilotnet')?.server.port,
      scheme: 'http',
    });
    await node.close();
    await vi.waitFor(() => expect(heard.get(NODE_TOPIC)).toBe(''), PATIENCE);
    expect(heard.get(INSTANCE_TOPIC)).toBe('');
  });

  it('announces a model once for each of its services, with what it gives and costs', async () => {
    const profile = { accuracy: 0.8, energy_mwh: 0.03 };
    const node = await start({ models: [{ services: ['one', 'two'], answer: steer, workMs: 5, profile }] });
    await vi.waitFor(() => expect(heard.size).toBe(3), PATIENCE);
    const [one, two] = ['one', 'two'].map((service) =>
      JSON.parse(heard.get(`${NODE_TOPIC}/services/${service}/instances/${service}`) ?? ''),
    );
    expect(one).toMatchObject({ port: node.instances.get('one')?.server.port, profile });
    expect(two).toEqual(one);
    await node.close();
  });

  it('answers probes from its distance', async () => {
    const node = await start();
    await vi.waitFor(() => expect(heard.size).toBe(2), PATIENCE);
    const { probe_port } = JSON.parse(heard.get(NODE_TOPIC) ?? '');
    const startMs = performance.now();
    const answer = await request(`http://127.0.0.1:${probe_port}/-/ping`);
    await answer.body.dump();
    expect(answer.statusCode).toBe(204);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(NODE.rttMs - 1);
    await node.close();
  });

  it('leaves its last will behind when it crashes, but no withdrawal of its instances', async () => {
    const node = await start();
    await vi.waitFor(() => expect(heard.size).toBe(2), PATIENCE);
    const port = node.instances.get('pilotnet')?.server.port;
    await node.crash();
    await vi.waitFor(() => expect(heard.get(NODE_TOPIC)).toBe(''), PATIENCE);
    expect(heard.get(INSTANCE_TOPIC)).not.toBe('');
    await expect(request(`http://127.0.0.1:${port}/`)).rejects.toThrow(/ECONNREFUSED/);
  });
});

describe('the broker', () => {
  it('names the port when it is taken', async () => {
    const port = Number(new URL(broker.url).port);
    await expect(startBroker(port)).rejects.toThrow(`broker: 127.0.0.1:${port}: the port is taken`);
  });
});
