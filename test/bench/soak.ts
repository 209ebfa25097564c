// A long run with all that goes wrong in the field, by hand: node test/bench/soak.ts [--minutes 10] [--clients 30] [--workers 1]
// [--rest 0] [--source]. Instances come, go and fail; clients abort, stall and flood; the configuration is reloaded; the broker
// restarts. In the end all is at rest: exits 1 unless resident memory is within 10 % of what it was after warm-up, and connections,
// requests, timers and descriptors are back at where they were. `--rest`: so many minutes more at rest, in which memory may not grow.

import '../support/bench-help.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect, type MqttClient } from 'mqtt';
import { startMosquittoUnmanaged } from '../support/mosquitto.ts';
import { type FaultyInstance, startFaultyInstance } from './soak/faulty-instance.ts';
import { leave, VISITS } from './soak/rude-clients.ts';
import { type Facts, SoakedQedge } from './soak/soaked-qedge.ts';

const INSTANCES = 12;
const RELOAD_INTERVAL_MS = 7000;
const CHURN_INTERVAL_MS = 1500;
const BROKER_INTERVAL_MS = 45_000;
/** Longer than idle connections are kept, so that all of them are gone. */
const REST_MS = 25_000;
const GROWTH_MAX = 1.1;
const SETTLE_MS_MAX = 180_000;
const GROWTH_AT_REST_MAX = 1.05;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    clients: { type: 'string', default: '30' },
    workers: { type: 'string', default: '1' },
    rest: { type: 'string', default: '0' },
    source: { type: 'boolean', default: false },
  },
});
const totalMs = Number(values.minutes) * 60_000;

const broker = await startMosquittoUnmanaged();
const qedge = await SoakedQedge.start({
  brokerUrl: broker.url,
  workers: Number(values.workers),
  source: values.source,
});
const announcer = connect(broker.url, { reconnectPeriod: 200 });
announcer.on('error', () => {});

console.log('warm-up');
await load(totalMs * 0.3);
const before = await rest();
console.log('load');
await load(totalMs * 0.7 - 2 * REST_MS);
const after = await restUntil(({ residentMb }) => residentMb <= before.residentMb * GROWTH_MAX);
const failures = [...judge(before, after), ...(await judgeRest(Number(values.rest)))];
console.log(failures.length === 0 ? 'passed' : failures.join('\n'));
announcer.end(true);
await qedge.stop();
await broker.remove();
process.exit(failures.length === 0 ? 0 : 1);

/** Clients, churn, reloads and a broker that restarts, for `ms`. */
async function load(ms: number): Promise<void> {
  const endMs = performance.now() + ms;
  const until = async (everyMs: number, work: () => Promise<void>): Promise<void> => {
    while (performance.now() < endMs) {
      await work();
      await delay(everyMs * (0.5 + Math.random()));
    }
  };
  const fleet = new Map<string, FaultyInstance>();
  for (let i = 0; i < INSTANCES; i++) await join(announcer, fleet, `i${i}`);
  const visit = async (): Promise<void> => VISITS[Math.floor(Math.random() * VISITS.length)]?.(qedge.proxyPort);
  await Promise.all([
    ...Array.from({ length: Number(values.clients) }, () => until(20, visit)),
    until(CHURN_INTERVAL_MS, () => churn(fleet)),
    until(RELOAD_INTERVAL_MS, () => qedge.reload()),
    until(BROKER_INTERVAL_MS, async () => {
      await broker.stop('SIGTERM');
      await broker.start();
    }),
    until(5000, async () => console.log(line(await qedge.facts()))),
  ]);
  leave();
  for (const id of [...fleet.keys()]) await part(announcer, fleet, id);
}

async function churn(fleet: Map<string, FaultyInstance>): Promise<void> {
  const id = `i${Math.floor(Math.random() * INSTANCES)}`;
  if (fleet.has(id)) await part(announcer, fleet, id);
  else await join(announcer, fleet, id);
}

async function join(client: MqttClient, fleet: Map<string, FaultyInstance>, id: string): Promise<void> {
  const instance = await startFaultyInstance();
  fleet.set(id, instance);
  client.publish(topicOf(id), JSON.stringify({ host: '127.0.0.1', port: instance.port }), { retain: true });
}

async function part(client: MqttClient, fleet: Map<string, FaultyInstance>, id: string): Promise<void> {
  client.publish(topicOf(id), '', { retain: true });
  await fleet.get(id)?.stop();
  fleet.delete(id);
}

function topicOf(id: string): string {
  return `qedge/v1/nodes/n${id}/services/soak/instances/${id}`;
}

async function rest(): Promise<Facts> {
  await delay(REST_MS);
  const facts = await qedge.facts();
  console.log(`at rest: ${line(facts)}`);
  return facts;
}

/** What was needed for a while goes back within minutes: V8 collects late where nothing is allocated. */
async function restUntil(settled: (facts: Facts) => boolean): Promise<Facts> {
  let facts = await rest();
  for (let restMs = REST_MS; restMs < SETTLE_MS_MAX && !settled(facts); restMs += REST_MS) facts = await rest();
  return facts;
}

/** Nothing is asked of it meanwhile but these facts. */
async function judgeRest(minutes: number): Promise<string[]> {
  const residentMb: number[] = [];
  for (const endMs = performance.now() + minutes * 60_000; performance.now() < endMs; ) {
    residentMb.push((await rest()).residentMb);
  }
  const [first = 0] = residentMb;
  const last = residentMb.at(-1) ?? 0;
  return last > first * GROWTH_AT_REST_MAX ? [`memory grew at rest: ${residentMb.join(', ')} MB`] : [];
}

function judge(first: Facts, last: Facts): string[] {
  const failures: string[] = [];
  if (last.residentMb > first.residentMb * GROWTH_MAX) {
    failures.push(`memory grew from ${first.residentMb} to ${last.residentMb} MB`);
  }
  for (const key of ['clients', 'upstream', 'inFlight', 'queued'] as const) {
    if (last[key] !== 0) failures.push(`${key} is ${last[key]}, not 0`);
  }
  if (last.timers > first.timers + 2) failures.push(`timers grew from ${first.timers} to ${last.timers}`);
  if (last.descriptors > first.descriptors + 2) {
    failures.push(`descriptors grew from ${first.descriptors} to ${last.descriptors}`);
  }
  if (last.errors > 0) failures.push(`${last.errors} lines of the log are errors`);
  return failures;
}

function line({ residentMb, clients, upstream, inFlight, queued, timers, descriptors, requests }: Facts): string {
  return `${residentMb} MB, ${clients} clients, ${upstream} upstream, ${inFlight} in flight, ${queued} queued, ${timers} timers, ${descriptors} descriptors, ${requests} requests`;
}
