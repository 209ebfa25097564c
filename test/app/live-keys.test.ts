// A key that a reload takes over is a promise. Every value of the changed configuration reports which file of src reads it. A live
// key that no part reads from then on was not taken over; nor was one that requests still read from the configuration before.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startApp } from '../../src/app/app.ts';
import type { App } from '../../src/app/running-app.ts';
import type { Config } from '../../src/config/config.ts';
import type { Key, Keys } from '../../src/config/key.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type FileSection, fileSections } from '../../src/config/schema/file.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';

vi.setConfig({ testTimeout: 60_000 });

/** Live keys that no part of a running qedge reads after a reload, with the reason. */
const READ_ELSEWHERE: Readonly<Record<string, string>> = {
  'update.public_key': 'read by `qedge update`',
  'update.probation': 'read by `qedge update`, and by the process on trial when it starts',
  'update.qos_drop_max': 'read by the process on trial when it starts',
};

/** Keys whose value is taken apart when it is read, with one of its parts in `Config`. */
const PARTS: Readonly<Record<string, string>> = { 'announce.url': 'host' };

const propertyOf = (path: string, key: Key): string => PARTS[path] ?? key.name;

/** Copied together with the id of the start, which stays; so the API has to show them. */
const SHOWN: ReadonlySet<string> = new Set(['node.tier', 'node.address', 'node.labels']);

const TOKEN = 'open-sesame-0123456789';

const SECTIONS = fileSections({ directory: '', hostname: '', stateDirectory: null });

/** The file of src that reads a value; null for what compares values and acts on none. */
function reader(): string | null {
  const stack = new Error().stack ?? '';
  if (/internal\/util\/comparisons|fingerprintOf|at diffConfig|at listenersOf/.test(stack)) return null;
  const place = stack.split('\n').find((line) => line.includes('/src/') && !line.includes('/src/config/'));
  return /\/src\/([^):]+)/.exec(place ?? '')?.[1] ?? null;
}

class Reads {
  /** By key as it is written, `proxy.url_max`. */
  readonly places = new Map<string, Set<string>>();
  readonly #counts: (path: string, value: unknown) => boolean;

  /** `counts`: whether a read of the key is noted where it has this value. */
  constructor(counts: (path: string, value: unknown) => boolean = () => true) {
    this.#counts = counts;
  }

  /** The same configuration, every read of which is noted. */
  track(config: Config): Config {
    const sections = SECTIONS.map(({ name, word, kind, keys }) => {
      const value = config[name as keyof Config] as unknown;
      const wrap = (one: object) => this.#wrap(one, keys, word);
      if (kind === 'list') return [name, (value as object[]).map(wrap)];
      return [name, value === null ? null : wrap(value as object)];
    });
    return Object.fromEntries(sections) as Config;
  }

  #wrap(section: object, keys: Keys, path: string): object {
    const words = new Map(
      Object.entries(keys).map(([word, key]) => {
        const found = { path: `${path}.${word}`, key };
        return [propertyOf(found.path, key), found];
      }),
    );
    return new Proxy(section, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property);
        const found = words.get(String(property));
        if (found === undefined) return value;
        if (found.key.keys !== undefined && value !== null)
          return this.#wrap(value as object, found.key.keys, found.path);
        if (this.#counts(found.path, value)) this.#note(found.path);
        return value;
      },
    });
  }

  #note(path: string): void {
    const place = SHOWN.has(path) ? null : reader();
    if (place === null) return;
    const places = this.places.get(path) ?? new Set();
    this.places.set(path, places.add(place));
  }
}

/** Every live key that has no keys within, as it is written. */
function liveKeys(): string[] {
  const leaves = (path: string, keys: Keys): string[] =>
    Object.entries(keys).flatMap(([word, key]: [string, Key]) => {
      if (key.keys !== undefined) return leaves(`${path}.${word}`, key.keys);
      return key.reload === 'live' ? [`${path}.${word}`] : [];
    });
  return SECTIONS.flatMap(({ word, keys }) => leaves(word, keys));
}

/** Values of a key, as it is written, in every table of a configuration that has it. */
function valuesOf(config: Config, path: string): unknown[] {
  const [word = '', ...words] = path.split('.');
  const section = SECTIONS.find((one) => one.word === word) as FileSection;
  const step = (values: unknown[], keys: Keys | undefined, [next, ...rest]: string[]): unknown[] => {
    const key = keys?.[next ?? ''];
    if (key === undefined) return values;
    const inner = values.map((value) => (value as Record<string, unknown> | null)?.[propertyOf(path, key)]);
    return step(inner, key.keys, rest);
  };
  return step([config[section.name as keyof Config]].flat(), section.keys, words);
}

describe('a reload', () => {
  it('takes over every key that is live', async () => {
    const world = await startWorld();
    const [before, after] = [world.load(FIRST), world.load(SECOND)];
    const keys = liveKeys();
    expect(keys.filter((key) => isDeepStrictEqual(valuesOf(before, key), valuesOf(after, key)))).toEqual([]);

    const isNew = (key: string, value: unknown): boolean =>
      !valuesOf(before, key).some((one) => isDeepStrictEqual(one, value));
    const [old, now] = [new Reads(), new Reads(isNew)];
    const app = await world.start(old.track(before));
    old.places.clear();
    await app.reload(() => now.track(after));
    await world.ask(app);
    expect(await world.node(app)).toMatchObject(after.node);
    await app.stop();

    const unread = keys.filter((key) => !now.places.has(key) && !SHOWN.has(key) && !(key in READ_ELSEWHERE));
    expect(unread).toEqual([]);
    expect(Object.keys(READ_ELSEWHERE).filter((key) => now.places.has(key) || !keys.includes(key))).toEqual([]);
    const stale = keys.flatMap((key) => [...(old.places.get(key) ?? [])].map((file) => `${key} in ${file}`));
    expect(stale.filter((one) => one.includes(' in proxy/'))).toEqual([]);
  });
});

interface World {
  load(text: (world: Paths) => string): Config;
  start(config: Config): Promise<App>;
  /** Sends requests, one of which is repeated and some of which queue. */
  ask(app: App): Promise<void>;
  /** The node, as the admin port shows it to the token of the second configuration. */
  node(app: App): Promise<unknown>;
}

interface Paths {
  readonly folder: string;
  readonly certificates: readonly [Certificates, Certificates];
  readonly instance: number;
}

async function startWorld(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'qedge-live-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const one of ['a', 'b']) mkdirSync(join(folder, one));
  const paths: Paths = {
    folder,
    certificates: [makeCertificates(), makeCertificates()],
    instance: await startInstance(),
  };
  const logger = createLogger({ level: 'silent', nodeId: 'pi', destination: { write: () => {} } });
  const log = { logger, write: () => {}, droppedLines: 0, close: () => Promise.resolve() };
  return {
    load(text) {
      const file = join(folder, 'qedge.toml');
      writeFileSync(file, text(paths));
      return loadConfig(file);
    },
    start(config) {
      return startApp(config, { version: '1.0.0', commit: 'abc', log, seed: 1 });
    },
    async ask(app) {
      const port = app.proxyListeners[0]?.port ?? 0;
      const [, { client }] = paths.certificates;
      const agent = new Agent({
        rejectUnauthorized: false,
        cert: readFileSync(client.certFile),
        key: readFileSync(client.keyFile),
      });
      onTestFinished(() => agent.destroy());
      const targets = ['/503', '/200', '/200', '/200', '/200'];
      await Promise.all(targets.map((path) => ask(agent, { port, service: 'pilotnet', path })));
      await ask(agent, { port, service: 'detector-2', path: '/200' });
    },
    async node({ adminListener: { port } }) {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/state`, {
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      return ((await response.json()) as { readonly node: unknown }).node;
    },
  };
}

interface Asked {
  readonly port: number;
  readonly service: string;
  readonly path: string;
}

/** Asks for an upload; returns the status of the answer. */
function ask(agent: Agent, { port, service, path }: Asked): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-service': service, 'x-camera': 'one' };
    const outgoing = request({ agent, host: '127.0.0.1', port, path, method: 'POST', headers }, (incoming) => {
      incoming.resume().once('end', () => resolve(incoming.statusCode ?? 0));
    });
    outgoing.once('error', reject).end('frame');
  });
}

/** Answers as the request asks: `/503` with that status, anything else with 200. */
async function startInstance(): Promise<number> {
  const server = createServer((incoming, response) => {
    incoming.resume();
    response.writeHead(Number(incoming.url?.slice(1)) || 200, { 'x-objects': '2' }).end('here');
  });
  await new Promise<void>((resolve) => void server.listen(0, resolve));
  onTestFinished(() => void server.close().closeAllConnections());
  return (server.address() as AddressInfo).port;
}

const FIRST = ({ folder, certificates: [{ server }], instance }: Paths): string => `
[node]
id = "pi"
address = "127.0.0.1"
[proxy]
listen = "127.0.0.1:0"
[proxy.tls]
cert = "${server.certFile}"
key = "${server.keyFile}"
[admin]
listen = "127.0.0.1:0"
[mqtt]
url = "mqtt://127.0.0.1:1"
[placement.file]
path = "${folder}/a"
[placement.docker]
[placement.mdns]
[placement.dns]
names = { pilotnet = "_pilotnet._tcp.edge.test" }
servers = ["127.0.0.1"]
[store]
path = false
[[service]]
name = "pilotnet"
qos = { latency = "80ms" }
instances = ["http://127.0.0.1:${instance}"]
[[service]]
name = "detector"
qos = { latency = "80ms" }
instances = ["http://127.0.0.1:${instance}"]
[[chain]]
name = "steer"
stages = ["pilotnet", "detector"]
qos = { latency = "200ms" }
[[announce]]
service = "pilotnet"
url = "http://127.0.0.1:${instance}"
`;

const SECOND = ({ folder, certificates: [, { caFile, server, client }], instance }: Paths): string => `
[node]
id = "pi"
tier = "near-edge"
address = "localhost"
labels = { hall = "3" }
[proxy]
listen = "127.0.0.1:0"
service_header = "X-Service"
client_header = "X-Camera"
trusted_peers = ["127.0.0.0/8"]
response_headers = false
baggage = true
url_max = "4KiB"
body_max = "1MiB"
headers_timeout = "9s"
body_idle_timeout = "29s"
keep_alive_timeout = "64s"
drain = "1s"
[proxy.tls]
cert = "${server.certFile}"
key = "${server.keyFile}"
client_ca = "${caFile}"
[admin]
listen = "127.0.0.1:0"
token = "${TOKEN}"
[mqtt]
url = "mqtts://127.0.0.1:2"
client_id = "another"
username = "pi"
password = "secret"
ca = "${caFile}"
cert = "${client.certFile}"
key = "${client.keyFile}"
keep_alive = "14s"
topic_prefix = "qedge/v2"
native = false
informer = true
[placement]
allow = ["127.0.0.0/8"]
wait = "1s"
node_grace = "29s"
reach = false
[placement.file]
path = "${folder}/b"
[placement.docker]
socket = "${folder}/docker.sock"
address = "container"
[placement.mdns]
announce = false
interfaces = ["127.0.0.1"]
[placement.dns]
names = { "detector-2" = "_detector._tcp.edge.test" }
servers = ["127.0.0.2"]
stale = "2h"
[neighbours]
mode = "observe"
max = 3
samples_max = 5

[probe]
interval = "4s"
rate_max = 40
timeout = "2s"
change_ratio = 0.4
[store]
path = false
[log]
level = "error"
access = true
[update]
public_key = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
probation = "50s"
qos_drop_max = 0.06
[[service]]
name = "pilotnet"
listen = "127.0.0.1:0"
infeasible = "refuse"
overload = "send"
policy = { name = "qedge", step = "2s" }
timeout = "9s"
connect_timeout = "2s"
constraints = { hall = "3" }
group = { header = "X-Objects" }
affinity = { client = true }
prefer = ["local"]
ca = "${caFile}"
health = { kind = "tcp" }
instances = [
  { url = "http://127.0.0.1:${instance}", labels = { hall = "3" } },
  { url = "http://127.0.0.3:${instance}", labels = { hall = "3" } },
]
[service.qos]
latency = "90ms"
success = 0.8
window = "9s"
mean_latency = "50ms"
reliability = 0.9
availability = { share = 0.9, over = "1h" }
throughput = { min = "2/s" }
shares = [{ share = 0.5, labels = { hall = "3" } }]
security = { labels = { hall = "3" } }
measure = "first-byte"
stall = "1s"
[service.objective]
least = "energy"
keep = 0.03
[service.failure]
statuses = [500]
grpc = [2]
relative = false
body_min = "1B"
[service.retry]
attempts = 1
statuses = [503]
idempotent = true
body_max = "32KiB"
budget_ratio = 0.3
budget_per_second = 4
[service.limits]
in_flight_max = 1000
instance_connections_max = 200
instance_in_flight_max = 1
queue_max = 200
queue_timeout = "2s"
[[service]]
name = "detector-2"
admission = "refuse"
failure_status_min = 400
qos = { latency = "80ms", accuracy = { min = 0.9 } }
instances = [{ url = "http://127.0.0.1:${instance}", labels = { hall = "3" } }]
[[chain]]
name = "see"
stages = ["detector-2", "pilotnet"]
qos = { latency = "210ms", success = 0.8, window = "9s" }
[[announce]]
service = "detector-2"
id = "first"
url = "http://127.0.0.3:${instance}"
labels = { hall = "3" }
profile = { cost = 1 }
ca = "${caFile}"
health = false
`;
