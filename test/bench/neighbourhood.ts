// What summaries cost a fleet: 1,000 nodes on one Mosquitto, each of which looks every half second what is to be said of what it saw, and
// listens to eight others, beside placement as it changes. `node test/bench/neighbourhood.ts [--nodes 1000] [--near 0.05] [--rate 100] [--seconds 20]`
//
// Most nodes are plain MQTT clients in one process, which send what the encoder of the product makes of a router that is driven. One is
// the product's placement and router in a process of its own, measured with neighbours off and in use. CPU is processor time over wall
// time, which a busy machine does not falsify.

import '../support/bench-help.ts';
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import { connectAsync, type MqttClient } from 'mqtt';
import { startMosquittoUnmanaged } from '../support/mosquitto.ts';
import { PREFIX, runSpeakers } from './neighbourhood/speakers.ts';
import { runSubject, type SubjectReport } from './neighbourhood/subject.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    nodes: { type: 'string', default: '1000' },
    near: { type: 'string', default: '0.05' },
    rate: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '20' },
    url: { type: 'string', default: '' },
    mode: { type: 'string', default: 'off' },
  },
});
const nodes = Number(values.nodes);
const nearNodes = Math.round(nodes * Number(values.near));
const seconds = Number(values.seconds);
const INSTANCES = 3;

const [role = 'all'] = positionals;
if (role === 'speakers') await runSpeakers(values.url, { nodes });
else if (role === 'subject') runSubject(values.url, { mode: values.mode, nodes, nearNodes });
else await compare();

async function compare(): Promise<void> {
  const broker = await startMosquittoUnmanaged({ persistence: false, conf: ['max_connections -1'] });
  const client = await connectAsync(broker.url, { protocolVersion: 5 });
  for (let node = 0; node < nodes; node++) await announce(client, node);
  const rows = [
    await measure(client, { url: broker.url, port: broker.port, mode: 'off' }),
    await measure(client, { url: broker.url, port: broker.port, mode: 'use' }),
  ];
  console.log(`${nodes} nodes, ${nearNodes} in reach, ${values.rate} changes of placement a second, ${seconds} s`);
  for (const name of Object.keys(rows[0] ?? {}) as (keyof (typeof rows)[number])[])
    console.log(`${name.padEnd(34)}${rows.map((row) => String(row[name]).padStart(12)).join('')}`);
  await client.endAsync();
  await broker.remove();
}

interface Broker {
  readonly url: string;
  readonly port: number;
  readonly mode: 'off' | 'use';
}

async function measure(client: MqttClient, { url, port, mode }: Broker) {
  const subject = start('subject', url, mode);
  await answerOf(subject, 'learn');
  const speakers = mode === 'off' ? null : start('speakers', url, mode);
  if (speakers !== null) await answerOf(speakers, 'start');
  const brokerBefore = cpuMsOf(port);
  const before = await answerOf(subject, 'report');
  await changePlacement(client);
  const after = await answerOf(subject, 'report');
  const brokerMs = cpuMsOf(port) - brokerBefore;
  for (const child of [subject, speakers]) child?.kill();
  const wallMs = after.atMs - before.atMs;
  const perSecond = (of: (report: SubjectReport) => number): number =>
    Math.round((10_000 * (of(after) - of(before))) / wallMs) / 10;
  return {
    neighbours: mode,
    'messages in a second': perSecond(({ messages }) => messages),
    'bytes in a second': perSecond(({ bytes }) => bytes),
    'summaries in a second': perSecond(({ heard }) => heard),
    'summaries out a second': perSecond(({ sent }) => sent),
    'bytes out a second': perSecond(({ sentBytes }) => sentBytes),
    'CPU of a qedge, % of a core': Math.round((1_000 * (after.cpuMs - before.cpuMs)) / wallMs) / 10,
    'CPU of the broker, % of a core': Math.round((1_000 * brokerMs) / wallMs) / 10,
  };
}

function start(role: string, url: string, mode: string): ChildProcess {
  const { nodes, near } = values;
  return fork(import.meta.filename, [role, '--url', url, '--mode', mode, '--nodes', nodes, '--near', near]);
}

function answerOf(child: ChildProcess, order: string): Promise<SubjectReport> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`it ended with ${code}`)));
    child.once('message', (report) => resolve(report as SubjectReport));
    child.send(order);
  });
}

async function announce(client: MqttClient, node: number): Promise<void> {
  const at = { address: `10.0.${node >> 8}.${node & 255}`, probe_port: 8080, tier: 'far-edge', boot: `boot-${node}` };
  const published = [client.publishAsync(`${PREFIX}/nodes/node-${node}`, JSON.stringify(at), { qos: 1, retain: true })];
  for (let i = 0; i < INSTANCES; i++) published.push(announceInstance(client, { node, i, port: 9_000 + i }));
  await Promise.all(published);
}

function announceInstance(client: MqttClient, { node, i, port }: Readonly<Record<'node' | 'i' | 'port', number>>) {
  const labels = { accelerator: 'hailo-8', zone: 'north-3' };
  const facts = { host: `10.0.${node >> 8}.${node & 255}`, port, scheme: 'http', labels, boot: `boot-${node}` };
  const topic = `${PREFIX}/nodes/node-${node}/services/pilotnet/instances/pilotnet-${i}`;
  return client.publishAsync(topic, JSON.stringify(facts), { qos: 1, retain: true });
}

async function changePlacement(client: MqttClient): Promise<void> {
  const startMs = performance.now();
  const perSecond = Number(values.rate);
  for (let n = 0; n < perSecond * seconds; n++) {
    const waitMs = startMs + (n * 1_000) / perSecond - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    void announceInstance(client, { node: (n * 7) % nodes, i: n % INSTANCES, port: 10_000 + (n % 50_000) });
  }
}

/** Processor time of the broker that listens on the port. */
function cpuMsOf(port: number): number {
  const pid = execFileSync('sh', [
    '-c',
    `ss -ltnpH 'sport = :${port}' | sed -n 's/.*pid=\\([0-9]*\\).*/\\1/p' | head -1`,
  ]);
  const times = execFileSync('sh', ['-c', `cut -d' ' -f14,15 /proc/${String(pid).trim()}/stat`]);
  return (
    10 *
    String(times)
      .trim()
      .split(' ')
      .map(Number)
      .reduce((sum, ticks) => sum + ticks, 0)
  );
}
