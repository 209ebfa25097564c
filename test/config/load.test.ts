// qedge.toml as a whole: the shipped files hold what they say, and every kind of mistake is placed.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { configFiles } from '../../build/config-files.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';

const SHIPPED = resolve(import.meta.dirname, '../../config');
const STATE_ENV = { STATE_DIRECTORY: '/var/lib/qedge' };

const MINIMAL = `[node]
id = "pi-7"

[mqtt]
url = "mqtt://broker.local:1883"

[[service]]
name = "pilotnet"
qos = { latency = "80ms", success = 0.9, window = "10s" }
`;

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'qedge-config-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function load(text: string, env: Record<string, string> = {}): Config {
  const file = join(directory, 'qedge.toml');
  writeFileSync(file, text);
  return loadConfig(file, { env });
}

function errorsOf(text: string, env: Record<string, string> = {}): string[] {
  try {
    load(text, env);
    return [];
  } catch (error) {
    return error instanceof Error ? error.message.split('\n') : [String(error)];
  }
}

/** `MINIMAL` with lines put in front of its service. */
const withLines = (lines: string): string => MINIMAL.replace('[[service]]', `${lines}\n\n[[service]]`);

describe('a chain', () => {
  const chain = (stages: string): string =>
    `${MINIMAL}\n[[service]]\nname = "planner"\nqos.latency = "50ms"\n[[chain]]\nname = "way"\nstages = ${stages}\nqos.latency = "99ms"\n`;

  it('has stages and a goal', () => {
    expect(load(chain('["pilotnet", "planner"]')).chains).toEqual([
      { name: 'way', stages: ['pilotnet', 'planner'], qos: { latencyMs: 99, successRatio: 0.9, windowMs: 10_000 } },
    ]);
  });

  it.each([
    [
      'a stage that is no service',
      '["pilotnet", "planer"]',
      'no [[service]] is named "planer", did you mean "planner"?',
    ],
    ['a loop', '["pilotnet", "planner", "pilotnet"]', '"pilotnet" is a stage of "way" already'],
    ['a single stage', '["pilotnet"]', 'chain.stages'],
  ])('does not go with %s', (_, stages, problem) => {
    const errors = errorsOf(chain(stages));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(problem);
  });
});

describe('the shipped files', () => {
  const reference = readFileSync(join(SHIPPED, 'qedge.toml'), 'utf8');

  it.each([...configFiles()])('%s holds what the schema says (npm run config writes it)', (name, text) => {
    expect(readFileSync(join(SHIPPED, name), 'utf8')).toBe(text);
  });

  it('hold exactly the defaults in the lines that are commented out', () => {
    const uncommented = reference.replaceAll(/^#(?=[a-z_]+ = )/gm, '');
    const written = [...reference.matchAll(/^#[a-z_]+ = /gm)].length;
    expect(written).toBeGreaterThan(40);
    expect(load(uncommented, STATE_ENV)).toEqual(load(reference, STATE_ENV));
  });

  it('load for a Raspberry Pi and a Jetson', () => {
    expect(loadConfig(join(SHIPPED, 'raspberry-pi.toml')).announce[0]).toMatchObject({ id: '9000', host: '10.0.0.7' });
    const password = join(directory, 'password');
    writeFileSync(password, 'correct horse\n');
    const jetson = readFileSync(join(SHIPPED, 'jetson.toml'), 'utf8');
    expect(load(jetson).mqtt).toMatchObject({ username: 'jetson-1', password: null });
    const withSecret = jetson.replace('# password', 'password');
    const here = withSecret.replace('/run/credentials/qedge.service/mqtt-password', password);
    expect(load(here).mqtt).toMatchObject({ password: 'correct horse', username: 'jetson-1' });
  });
});

describe('loadConfig', () => {
  it('fills in every default around ten lines', () => {
    const config = load(MINIMAL);
    expect(config.node.id).toBe('pi-7');
    expect(config.proxy).toMatchObject({
      listen: { host: '127.0.0.1', port: 8080 },
      drainMs: 10_000,
      headerBytesMax: 16_384,
    });
    expect(config.mqtt).toMatchObject({ urls: ['mqtt://broker.local:1883'], clientId: 'qedge-pi-7', password: null });
    expect(config.store).toEqual({ path: null, flushMs: 5000 });
    expect(config.services).toHaveLength(1);
    expect(config.services[0]).toMatchObject({
      qos: { latencyMs: 80, successRatio: 0.9, windowMs: 10_000 },
      policy: { name: 'qedge', options: {} },
      retry: { attempts: 2, bodyBytesMax: 65_536 },
      health: null,
      instances: [],
    });
  });

  it('keeps state where the service manager says, unless the file says otherwise', () => {
    expect(load(MINIMAL, STATE_ENV).store.path).toBe('/var/lib/qedge/qedge.db');
    expect(load(withLines('[store]\npath = false'), STATE_ENV).store.path).toBeNull();
    expect(load(withLines('[store]\npath = "state/q.db"'), STATE_ENV).store.path).toBe(join(directory, 'state/q.db'));
  });

  it('takes instances as short addresses and as tables', () => {
    const [service] = load(`[[service]]
name = "a"
qos.latency = "80ms"
policy = { name = "qedge", step = "1s" }
instances = ["10.0.0.7:9000", "https://[fd00::1]:443", { url = "h2c://pi-8:1", node = "pi-8", id = "x", rtt = "2ms" }]
`).services;
    const unsaid = { labels: {}, profile: null, rttMs: null };
    expect(service?.policy).toEqual({ name: 'qedge', options: { step: '1s' } });
    expect(service?.instances).toEqual([
      { nodeId: '10.0.0.7', id: '9000', scheme: 'http', host: '10.0.0.7', port: 9000, ...unsaid },
      { nodeId: 'fd00::1', id: '443', scheme: 'https', host: 'fd00::1', port: 443, ...unsaid },
      { nodeId: 'pi-8', id: 'x', scheme: 'h2c', host: 'pi-8', port: 1, ...unsaid, rttMs: 2 },
    ]);
  });

  it('takes profiles, and groups by a field or a JSON Pointer', () => {
    const text = (group: string, profile: string): string => `[[service]]
name = "a"
qos.latency = "80ms"
group = ${group}
instances = [{ url = "h:1", profile = ${profile} }]
`;
    const [service] = load(text('{ json = "/a~1b/length" }', '{ accuracy = [78, 61], energy_mwh = 0.1 }')).services;
    expect(service?.group).toEqual({ header: null, json: ['a/b', 'length'] });
    expect(service?.instances[0]?.profile).toEqual({ accuracy: [78, 61], energy_mwh: 0.1 });
    expect(errorsOf(text('{ header = "X-N", json = "/n" }', '{}'))).toEqual([
      'qedge.toml:4:1: service.group: expected false or exactly one of header and json, such as { json = "/detections/length" }, got a table',
    ]);
    expect(errorsOf(text('{ json = "n" }', '{ accuracy = "high" }'))).toEqual([
      'qedge.toml:4:11: service.group.json: expected a JSON Pointer such as "/detections/length", got "n"',
      'qedge.toml:5:41: service.instances.profile.accuracy: expected a number from 0 to 1000000000000, or 1 to 16 of them, one for each group, got "high"',
    ]);
  });

  it('reports the mistakes of all sections at once', () => {
    const text = `[proxy]
listn = "127.0.0.1:8080"
drain = 10

[mqtt]
url = "broker.local"

[[service]]
name = "pilotnet"
[service.qos]
  latency = 80
`;
    expect(errorsOf(text)).toEqual([
      'qedge.toml:2:1: proxy.listn: unknown key "listn", did you mean "listen"?',
      'qedge.toml:3:1: proxy.drain: expected a duration such as "80ms", got 10',
      'qedge.toml:6:1: mqtt.url: expected a broker such as "mqtt://broker.local:1883", or a list of them; user and password go into username and password, got "broker.local"',
      'qedge.toml:11:3: service.qos.latency: expected a duration such as "80ms", got 80',
    ]);
  });

  it.each([
    ['80 ms', 'qos.latency = "80 ms"', 'service.qos.latency: expected a duration such as "80ms", got "80 ms"'],
    ['no time at all', 'qos.latency = "0ms"', 'service.qos.latency: expected more than 0, got "0ms"'],
    ['a month', 'qos.latency = "31d"', 'service.qos.latency: expected at most 24 days, got "31d"'],
    ['no latency', 'qos = { success = 0.9 }', 'service.qos.latency: missing, expected a duration such as "80ms"'],
    ['a percentage', 'qos = { latency = "1s", success = 90 }', 'service.qos.success: expected at most 1, got 90'],
  ])('refuses a QoS target of %s', (_, line, expected) => {
    const errors = errorsOf(`[[service]]\nname = "a"\ninstances = ["h:1"]\n${line}\n`);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(expected);
  });

  it.each([
    ['no port and no scheme', '"10.0.0.7"'],
    ['port 0', '"10.0.0.7:0"'],
    ['a port out of range', '"10.0.0.7:70000"'],
    ['a path', '"http://10.0.0.7:9000/infer"'],
    ['an octet out of range', '"10.0.0.700:9000"'],
    ['an unknown scheme', '"ftp://10.0.0.7:9000"'],
    ['a user', '"http://me:pw@10.0.0.7:9000"'],
    ['a space', '"http://pi 7:9000"'],
    ['another type', '9000'],
  ])('refuses an instance address with %s and says where', (_, address) => {
    const text = `[[service]]\nname = "a"\nqos.latency = "80ms"\ninstances = [\n  ${address},\n]\n`;
    const [error, ...others] = errorsOf(text);
    expect(others).toEqual([]);
    expect(error).toMatch(
      /^qedge\.toml:5:3: service\.instances: expected an address such as "http:\/\/10\.0\.0\.7:9000", got /,
    );
    expect(error).not.toContain('pw@');
  });

  it('traces nothing without a place to send it, and the rest has defaults', () => {
    expect(load(MINIMAL).traces).toBeNull();
    const endpoint = '[traces]\nendpoint = "https://collector:4318/v1/traces"';
    expect(load(withLines(endpoint)).traces).toEqual({
      endpoint: 'https://collector:4318/v1/traces',
      headers: {},
      serviceName: 'qedge',
      sampleRatio: 1,
      timeoutMs: 10_000,
      queueMax: 2048,
      compression: 'none',
      caFile: null,
      clientId: false,
    });
  });

  it('refuses traces that could not be sent, and shows no secret of them', () => {
    const traces = (lines: string): string => withLines(`[traces]\n${lines}`);
    expect(errorsOf(traces('sample_ratio = 2'))).toEqual([
      'qedge.toml:7:1: traces.endpoint: missing, expected a URL such as "http://collector:4318/v1/traces", without user and password',
      'qedge.toml:8:1: traces.sample_ratio: expected at most 1, got 2',
    ]);
    const good = 'endpoint = "http://c:4318/v1/traces"';
    expect(errorsOf(traces('endpoint = "collector:4318"'))[0]).toContain('traces.endpoint: expected a URL');
    expect(errorsOf(traces('endpoint = "http://me:pw@c:4318/v1/traces"'))[0]).not.toContain('pw');
    const [error = ''] = errorsOf(traces(`${good}\nheaders = { authorization = "Bearer \\u00e9s3cret" }`));
    expect(error).toContain('traces.headers.authorization: expected a header value');
    expect(error).not.toContain('s3cret');
    expect(errorsOf(traces(`${good}\nca = "none.crt"`))[0]).toContain('traces.ca: no such file');
  });

  it('knows its top-level keys', () => {
    expect(errorsOf(`${MINIMAL}\n[prxy]\nlisten = "x"\n`)).toEqual([
      'qedge.toml:11:1: prxy: unknown key "prxy", did you mean "proxy"?',
    ]);
    expect(errorsOf(MINIMAL.replace('[[service]]', '[service]'))[0]).toBe(
      'qedge.toml:7:1: service: expected [[service]] with double brackets, got a table',
    );
  });
});

describe('a mistake that shows only between sections', () => {
  it('is reported at the key that is wrong in one of several tables', () => {
    const health = (table: string): string[] =>
      errorsOf(`[[service]]\nname = "a"\nqos.latency = "80ms"\nhealth = ${table}\ninstances = ["h:1"]\n`);
    expect(health('{ kind = "tcp", timeout = 5 }')).toEqual([
      'qedge.toml:4:26: service.health.timeout: expected a duration such as "80ms", got 5',
    ]);
    expect(health('{ kind = "tcp", intervall = "1s" }')).toEqual([
      'qedge.toml:4:26: service.health.intervall: unknown key "intervall", did you mean "interval"?',
    ]);
    expect(health('{ kind = "tcp", path = "/up" }')).toEqual([
      'qedge.toml:4:26: service.health.path: unknown key "path" here, expected with kind = "http"',
    ]);
    expect(health('{ kind = "ping" }')).toEqual([
      'qedge.toml:4:12: service.health.kind: expected "tcp", "grpc", "kserve" or "http", got "ping"',
    ]);
    expect(health('true')).toEqual([
      'qedge.toml:4:1: service.health: expected false or a table such as { kind = "http", path = "/healthz" }, got true',
    ]);
  });

  it('is reported for two services of one name', () => {
    expect(errorsOf(`${MINIMAL}\n[[service]]\nname = "PilotNet"\nqos.latency = "1s"\n`)).toEqual([
      'qedge.toml:12:1: service.name: a service named "PilotNet" is there already',
    ]);
  });

  it('is reported for two instances of one key', () => {
    const errors = errorsOf('[[service]]\nname = "a"\nqos.latency = "1s"\ninstances = ["h:1", "http://h:1", "h:2"]\n');
    expect(errors).toEqual(['qedge.toml:4:21: service.instances: instance "h/1" of "a" is there already']);
  });

  it.each(['[200]', '["5xx", 204]', '["2xx"]', '[304]'])('is reported for retries of what is good: %s', (statuses) => {
    const service = '[[service]]\nname = "a"\nqos.latency = "1s"\ninstances = ["h:1"]\n';
    const [error = '', ...more] = errorsOf(`${service}retry.statuses = ${statuses}\n`);
    expect(more).toEqual([]);
    expect(error).toMatch(/^qedge\.toml:5:1: service\.retry\.statuses: (200|204|304) is a success: expected statuses/);
    // What the service itself calls a failure may be better elsewhere.
    expect(errorsOf(`${service}retry.statuses = [404, 503]\n`)).toEqual([]);
    expect(errorsOf(`${service}failure.statuses = ["5xx", 204]\nretry.statuses = [204]\n`)).toEqual([]);
  });

  it('is reported for federated learning without a broker, an address, or samples', () => {
    expect(errorsOf('[fl]\ncommand = ["train"]\nrole = "client"\n')).toEqual([
      'qedge.toml:1:1: fl: tasks come over a broker: expected [mqtt] as well',
      'qedge.toml:1:1: fl: expected node.address as well, where others reach it',
      'qedge.toml:1:1: fl.samples: a client without samples has nothing to learn from',
    ]);
  });

  it('is reported for an empty file', () => {
    expect(errorsOf('')).toEqual(['qedge.toml:1:1: nothing to do: expected at least one [[service]] or [[announce]]']);
  });

  it('is reported for two listeners on one port', () => {
    expect(errorsOf(withLines('[admin]\nlisten = "127.0.0.1:8080"'))).toEqual([
      'qedge.toml:8:1: admin.listen: port 8080 is taken by proxy.listen',
    ]);
    expect(errorsOf(`${MINIMAL}listen = "0.0.0.0:9901"\n`)[0]).toContain(
      'service.listen: port 9901 is taken by admin.listen',
    );
    expect(errorsOf(withLines('[admin]\nlisten = "127.0.0.2:8080"'))).toEqual([]);
    expect(errorsOf(withLines('[proxy]\nlisten = "127.0.0.1:0"\n[admin]\nlisten = "127.0.0.1:0"'))).toEqual([]);
  });

  it('is reported for a service whose own port has the name of another', () => {
    const named = (name: string): string => MINIMAL.replace('name = "pilotnet"', `name = "${name}"`);
    expect(errorsOf(`${named('Proxy')}listen = "127.0.0.1:8081"\n`)[0]).toContain(
      'service.name: "Proxy" is the name of another port: expected another one, or no listen',
    );
    expect(errorsOf(`${named('admin')}listen = "127.0.0.1:8081"\n`)).toHaveLength(1);
    expect(errorsOf(named('proxy'))).toEqual([]);
  });

  it('is reported for an admin port that others can reach without a token', () => {
    expect(errorsOf(withLines('[admin]\nlisten = "0.0.0.0:9901"'))[0]).toContain('expected admin.token');
    expect(errorsOf(withLines('[admin]\nlisten = "[::]:9901"'))[0]).toContain('expected admin.token');
    expect(errorsOf(withLines('[admin]\nlisten = "0.0.0.0:9901"\ntoken = "${env:T}"'), { T: 'secret' })).toEqual([]);
    expect(errorsOf(withLines('[admin]\nlisten = "[::1]:9901"'))).toEqual([]);
    expect(errorsOf(withLines('[admin]\nlisten = "localhost:9901"'))).toEqual([]);
  });

  it('is reported for a token or password that came out empty', () => {
    expect(errorsOf(withLines('[admin]\ntoken = "${env:T}"'), { T: '' })).toEqual([
      'qedge.toml:8:1: admin.token: must not be empty',
    ]);
  });

  it('is reported for files of certificates that are not there', () => {
    const errors = errorsOf(
      withLines('[proxy.tls]\ncert = "absent.crt"\nkey = "absent.key"\nclient_ca = "/absent/ca"'),
    );
    expect(errors).toEqual([
      `qedge.toml:8:1: proxy.tls.cert: no such file: ${join(directory, 'absent.crt')}`,
      `qedge.toml:9:1: proxy.tls.key: no such file: ${join(directory, 'absent.key')}`,
      'qedge.toml:10:1: proxy.tls.client_ca: no such file: /absent/ca',
    ]);
  });

  it('is reported for half of a client certificate', () => {
    writeFileSync(join(directory, 'a.crt'), 'x');
    expect(errorsOf(MINIMAL.replace('1883"', '1883"\ncert = "a.crt"'))).toContainEqual(
      expect.stringContaining('expected both cert and key, or neither'),
    );
  });

  it('is reported for a policy or an option that does not exist', () => {
    expect(errorsOf(`${MINIMAL}policy = "qedgeprox"\n`)[0]).toMatch(
      /^qedge\.toml:10:1: service\.policy\.name: unknown policy "qedgeprox", expected one of .*round-robin/,
    );
    expect(errorsOf(`${MINIMAL}policy = { name = "qedgeproxy", stp = "1s", decay = 2 }\n`)).toEqual([
      expect.stringContaining('qedge.toml:10:33: service.policy.stp: unknown option "stp", expected one of step, '),
      expect.stringContaining('qedge.toml:10:45: service.policy.decay: expected a number from 0 to 1, got 2'),
    ]);
  });

  it('is reported for a switch for studies, which the simulator alone takes', () => {
    expect(errorsOf(`${MINIMAL}policy = { name = "qedge", deferral = true }\n`)).toEqual([
      expect.stringMatching(/^qedge\.toml:10:28: service\.policy\.deferral: a switch for studies, .*: leave it out$/),
    ]);
  });

  it('is reported for an instance that is announced twice', () => {
    const twice = '[[announce]]\nservice = "pilotnet"\nurl = "h:1"\n'.repeat(2);
    expect(errorsOf(MINIMAL + twice)).toEqual([
      'qedge.toml:13:1: announce: instance "1" of "pilotnet" is announced already',
    ]);
  });
});

describe('loading', () => {
  it('compiles no function for a schema', () => {
    const compile = vi.spyOn(globalThis, 'Function');
    load(MINIMAL);
    expect(compile).not.toHaveBeenCalled();
    compile.mockRestore();
  });
});

describe('a name', () => {
  const named = (name: string): string[] => errorsOf(MINIMAL.replace('"pilotnet"', `"${name}"`));
  const at = (host: string): string[] => errorsOf(`${MINIMAL}instances = ["http://${host}:9000"]`);

  it('has at most 63 characters', () => {
    expect(named('a'.repeat(63))).toEqual([]);
    expect(named('a'.repeat(64))).toEqual([expect.stringContaining('at most 63 long')]);
    expect(named('a-')).toEqual([]);
    expect(named('-a')).toHaveLength(1);
  });

  it('of a host has parts of at most 63 characters that begin and end with none but letters, digits and "_"', () => {
    for (const host of ['a', 'a.b', 'a-b.c', '_a.b_', 'a'.repeat(63)]) expect(at(host)).toEqual([]);
    for (const host of ['a-.b', '-a.b', 'a..b', `${'a'.repeat(64)}.b`]) expect(at(host)).toHaveLength(1);
  });
});
