// What placement costs one qedge: 1,000 nodes with 3 instances each on one Mosquitto, without and with QoS reach.
//
//   npm run bench:placement            prints a table
//   … -- --nodes 1000 --instances 3 --near 0.05 --rate 100 --seconds 20
//
// The qedge under test is placement alone, in a process of its own (placement-subject.ts), so that its processor time
// and memory are not the publisher's. CPU is processor time over wall time, which a busy machine does not falsify; the
// time to learn is wall time, which it does.

import '../support/bench-help.ts';
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connectAsync, type MqttClient } from 'mqtt';
import { startMosquittoUnmanaged } from '../support/mosquitto.ts';
import type { SubjectOrder, SubjectReport } from './placement-subject.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1000' },
    instances: { type: 'string', default: '3' },
    near: { type: 'string', default: '0.05' },
    rate: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '20' },
  },
});
const nodes = Number(values.nodes);
const instancesPerNode = Number(values.instances);
const nearNodes = Math.round(nodes * Number(values.near));
const changesPerSecond = Number(values.rate);
const seconds = Number(values.seconds);

const address = (node: number): string => `10.${node >> 16}.${(node >> 8) & 255}.${node & 255}`;
const PREFIX = 'qedge/v1';
/** A few nodes of their own: what a qedge weighs that knows next to nothing. */
const EMPTY_PREFIX = 'qedge/empty';
const EMPTY_NODES = 3;
const labels = { accelerator: 'hailo-8', zone: 'north-3' };

async function publishAll(client: MqttClient, prefix: string, count: number): Promise<void> {
  for (let node = 0; node < count; node++) {
    const facts = { address: address(node), probe_port: 8080, tier: 'far-edge', labels, boot: `boot-${node}` };
    const published = [
      client.publishAsync(`${prefix}/nodes/node-${node}`, JSON.stringify(facts), { qos: 1, retain: true }),
    ];
    for (let i = 0; i < instancesPerNode; i++)
      published.push(publishInstance(client, { prefix, node, i, port: 9000 + i }));
    await Promise.all(published);
  }
}

interface Announced {
  readonly prefix: string;
  readonly node: number;
  readonly i: number;
  readonly port: number;
}

function publishInstance(client: MqttClient, { prefix, node, i, port }: Announced) {
  const facts = { host: address(node), port, scheme: 'http', labels, boot: `boot-${node}` };
  const topic = `${prefix}/nodes/node-${node}/services/pilotnet/instances/pilotnet-${i}`;
  return client.publishAsync(topic, JSON.stringify(facts), { qos: 1, retain: true });
}

/** Each change moves an instance to another port: the most that one message can mean. */
async function change(client: MqttClient): Promise<void> {
  const startMs = performance.now();
  const changes = changesPerSecond * seconds;
  for (let n = 0; n < changes; n++) {
    const waitMs = startMs + (n * 1_000) / changesPerSecond - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    void publishInstance(client, {
      prefix: PREFIX,
      node: (n * 7) % nodes,
      i: n % instancesPerNode,
      port: 10_000 + (n % 50_000),
    });
  }
}

/** `bare`: an MQTT client that does nothing with what it hears. */
type Mode = 'bare' | 'reach off' | 'reach on';

function startSubject(brokerUrl: string, prefix: string, mode: Mode): ChildProcess {
  const environment = {
    BROKER_URL: brokerUrl,
    TOPIC_PREFIX: prefix,
    BARE: String(mode === 'bare'),
    REACH: String(mode === 'reach on'),
    NEAR_NODES: String(nearNodes),
  };
  return fork(join(import.meta.dirname, 'placement-subject.ts'), {
    execArgv: ['--expose-gc'],
    env: { ...process.env, ...environment },
  });
}

async function stopSubject(subject: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => subject.once('exit', resolve));
  subject.send({ kind: 'stop' } satisfies SubjectOrder);
  await exited;
}

/** What a qedge weighs that has learned next to nothing, bytes: the libraries, the code, the connection. */
async function measureEmpty(brokerUrl: string): Promise<number> {
  const subject = startSubject(brokerUrl, EMPTY_PREFIX, 'reach off');
  await ask(subject, { kind: 'start' });
  const learned = await ask(subject, { kind: 'learn', nodes: EMPTY_NODES, instances: EMPTY_NODES * instancesPerNode });
  await stopSubject(subject);
  return learned.heapBytes;
}

async function measure(client: MqttClient, { brokerUrl, mode, emptyBytes }: MeasureOptions) {
  const subject = startSubject(brokerUrl, PREFIX, mode);
  const wanted = (mode === 'reach on' ? nearNodes : nodes) * instancesPerNode;
  await ask(subject, { kind: 'start' });
  const learned = await ask(subject, { kind: 'learn', nodes, instances: wanted });
  const before = await ask(subject, { kind: 'report' });
  await change(client);
  const after = await ask(subject, { kind: 'report' });
  await stopSubject(subject);
  const wallMs = after.atMs - before.atMs;
  const learnedMiB = (learned.heapBytes - emptyBytes) / 2 ** 20;
  return {
    subject: mode === 'reach on' ? `reach, ${nearNodes} near` : mode === 'bare' ? 'mqtt.js alone' : 'all nodes',
    instances: learned.instances,
    'messages to learn': learned.messages,
    'KiB to learn': Math.round(learned.bytes / 1024),
    'ms to learn': Math.round(learned.atMs - learned.startedMs),
    'MiB for all of it': mode === 'bare' ? '' : round(learnedMiB),
    'MiB per 1,000 instances': mode !== 'reach off' ? '' : round(learnedMiB / (learned.instances / 1_000)),
    'messages/s then': round((after.messages - before.messages) / (wallMs / 1_000)),
    'KiB/s then': round((after.bytes - before.bytes) / 1024 / (wallMs / 1_000)),
    'CPU % then': round(((after.cpuMs - before.cpuMs) / wallMs) * 100),
  };
}

interface MeasureOptions {
  readonly brokerUrl: string;
  readonly mode: Mode;
  readonly emptyBytes: number;
}

function ask(subject: ChildProcess, order: SubjectOrder): Promise<SubjectReport> {
  return new Promise((resolve, reject) => {
    subject.once('exit', (code) => reject(new Error(`the subject ended with ${code}`)));
    subject.once('message', (report) => resolve(report as SubjectReport));
    subject.send(order);
  });
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

const broker = await startMosquittoUnmanaged({ persistence: false });
const client = await connectAsync(broker.url, { protocolVersion: 5 });
await publishAll(client, EMPTY_PREFIX, EMPTY_NODES);
await publishAll(client, PREFIX, nodes);
const emptyBytes = await measureEmpty(broker.url);
console.log(`${nodes} nodes × ${instancesPerNode} instances; ${changesPerSecond} changes/s for ${seconds} s`);
const modes: readonly Mode[] = ['bare', 'reach off', 'reach on'];
const rows: Awaited<ReturnType<typeof measure>>[] = [];
for (const mode of modes) rows.push(await measure(client, { brokerUrl: broker.url, mode, emptyBytes }));
for (const name of Object.keys(rows[0] ?? {}) as (keyof (typeof rows)[number])[]) {
  console.log(`${name.padEnd(26)}${rows.map((row) => String(row[name]).padStart(16)).join('')}`);
}
await client.endAsync();
await broker.remove();
