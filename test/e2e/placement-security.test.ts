// Brokers that ask for a name and a password, and publishers that mean no good.
// requires: mosquitto, openssl

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuthenticateError } from 'aedes';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { makeCertificates } from '../support/certificates.ts';
import { configFrom } from '../support/config.ts';
import { CONNACK, startHostileBroker } from '../support/hostile-broker.ts';
import { listening } from '../support/listening.ts';
import { textOf } from '../support/metrics.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { startOldBroker } from '../support/old-broker.ts';
import { publisher, retain, retained, startPlacement } from '../support/placement.ts';

// Real processes on a machine that may be busy: what counts is that it happens, not how soon.
vi.setConfig({ testTimeout: 240_000 });

const qedge = (url: string, mqtt = ''): string => `
[node]
id = "self"
address = "127.0.0.1"
[mqtt]
url = "${url}"
informer = true
${mqtt}
[placement]
allow = ["127.0.0.0/8", "::1/128"]
reach = false
[[service]]
name = "pilotnet"
qos = { latency = "80ms", success = 0.9, window = "10s" }
`;

const TOPIC = 'qedge/v1/nodes/n1/services/pilotnet/instances/a';
const address = { host: '127.0.0.1', port: 9000 };
const soon = { timeout: 60_000, interval: 25 };

describe('a broker with TLS and passwords', () => {
  it('is used with its CA, a user and a password', async () => {
    const { caFile, server } = makeCertificates();
    const broker = await startMosquitto({ tls: { caFile, ...server }, users: { pi: 'secret-1' } });
    const ca = readFileSync(caFile);
    await retain(await publisher(broker.url, { ca, username: 'pi', password: 'secret-1' }), TOPIC, address);
    const { keys, logLines } = startPlacement(
      qedge(broker.url, `ca = "${caFile}"\nusername = "pi"\npassword = "secret-1"`),
    );
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    expect(JSON.stringify(logLines)).not.toContain('secret-1');
  });

  it('is used with a client certificate', async () => {
    const { caFile, server, client } = makeCertificates();
    const broker = await startMosquitto({ tls: { caFile, ...server, clientCertificates: true } });
    const [ca, cert, key] = [caFile, client.certFile, client.keyFile].map((file) => readFileSync(file));
    await retain(await publisher(broker.url, { ca, cert, key } as object), TOPIC, address);
    const { keys } = startPlacement(
      qedge(broker.url, `ca = "${caFile}"\ncert = "${client.certFile}"\nkey = "${client.keyFile}"`),
    );
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
  });

  it('that another CA signed is not trusted', async () => {
    const { caFile, server } = makeCertificates();
    const broker = await startMosquitto({ tls: { caFile, ...server } });
    const { placement } = startPlacement(qedge(broker.url, `ca = "${makeCertificates().caFile}"`));
    await vi.waitFor(() => expect(placement.state().broker?.lastError).toMatch(/signature|certificate/), soon);
    expect(placement.state().broker).toMatchObject({ connected: false, connects: 0 });
  });

  it('that refuses the password is reported', async () => {
    const broker = await startMosquitto({ users: { pi: 'secret-1' } });
    const { placement, logLines } = startPlacement(qedge(broker.url, 'username = "pi"\npassword = "secret-2"'));
    const logged = () => logLines.find(({ msg }) => msg === 'broker lost');
    await vi.waitFor(() => expect(logged()).toMatchObject({ reason: expect.stringMatching(/refused/) }), soon);
    expect(placement.state().broker?.lastError).toMatch(/Not authorized/);
    expect(JSON.stringify(logLines)).not.toContain('secret-2');
  });
});

describe('a broker that speaks MQTT 3.1.1 alone', () => {
  it('is spoken to in 3.1.1', async () => {
    const url = await startOldBroker();
    await retain(await publisher(url, { protocolVersion: 4 }), TOPIC, address);
    const { keys, placement } = startPlacement(qedge(url));
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    expect(placement.state().broker).toMatchObject({ protocol: '3.1.1', connects: 1 });
  });
});

describe('a broker that refuses us', () => {
  it('is tried again until it accepts', async () => {
    let tries = 0;
    const refused: AuthenticateError = Object.assign(new Error('not yet'), { returnCode: 5 as const });
    const url = await startOldBroker({
      authenticate: (_client, _user, _password, done) => {
        tries++;
        done(tries < 4 ? refused : null, tries >= 4);
      },
    });
    const { placement } = startPlacement(qedge(url));
    await vi.waitFor(() => expect(placement.state().broker?.connected).toBe(true), soon);
    expect(tries).toBe(4);
    expect(placement.state().broker).toMatchObject({ connects: 1, protocol: '3.1.1' });
  });
});

describe('a broker that lets us in, but not everywhere', () => {
  it('is reported when it takes no announcement', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'qedge-acl-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'acl'), 'topic read qedge/v1/#\n');
    const broker = await startMosquitto({ conf: [`acl_file ${join(folder, 'acl')}`] });
    const { logLines } = startPlacement(qedge(broker.url));
    const logged = { msg: 'broker refused an action', action: 'publish', topics: 'qedge/v1/nodes/self' };
    await vi.waitFor(() => expect(logLines).toContainEqual(expect.objectContaining(logged)), soon);
    expect(logLines.find(({ msg }) => msg === logged.msg)?.reason).toMatch(/Not authorized/i);
  });

  it('is reported when it grants no subscription, and nothing is concluded from its silence', async () => {
    const url = await startOldBroker({
      authorizeSubscribe: (_client, subscription, done) =>
        done(null, subscription.topic.includes('/instances/') ? null : subscription),
    });
    await retain(await publisher(url, { protocolVersion: 4 }), TOPIC, address);
    const { logLines, placement } = startPlacement(qedge(url));
    const logged = { msg: 'broker refused an action', action: 'subscribe' };
    await vi.waitFor(() => expect(logLines).toContainEqual(expect.objectContaining(logged)), soon);
    expect(logLines.find(({ msg }) => msg === logged.msg)?.topics).toContain('/services/pilotnet/instances/+');
    expect(placement.state().broker).toMatchObject({ connected: true, synced: false });
  });
});

describe('a broker that goes away before it has answered SUBSCRIBE', () => {
  it.each(['end', 'destroy', 'resetAndDestroy'] as const)('is tried again after %s', async (way) => {
    const url = await startHostileBroker((socket, { first }) => {
      if (first) socket.write(CONNACK);
      else socket[way]();
    });
    const { placement } = startPlacement(qedge(url));
    await vi.waitFor(() => expect(placement.state().broker?.connects).toBeGreaterThanOrEqual(3), soon);
  });
});

describe('a broker that hangs', () => {
  it('keeps no node that announced itself from stopping', async () => {
    const url = await startHostileBroker((socket, { first }) => {
      if (first) socket.write(CONNACK);
      else socket.pause();
    });
    const { placement } = startPlacement(qedge(url));
    await vi.waitFor(() => expect(placement.state().broker?.connected).toBe(true), soon);
    const startMs = performance.now();
    await placement.stop();
    // It would be given up after one and a half keep-alives, 90 s.
    expect(performance.now() - startMs).toBeLessThan(30_000);
  });
});

/** One read of a socket full of them. */
const flood = (packet: readonly number[]): Buffer => Buffer.alloc(64 * 1024, Buffer.from(packet));

describe('a broker that means no good', () => {
  it.each([
    ['announces a packet of 256 MB', Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]), /packet of 268435455 bytes/],
    ['sends a message of QoS 2', Buffer.from([0x34, 6, 0, 1, 0x61, 0, 1, 0]), /QoS 2/],
    ['answers pings that were never sent', flood([0xd0, 0]), /never asked \(PINGRESP\)/],
    ['acknowledges what was never said', flood([0x40, 2, 0, 9]), /never asked \(PUBACK\)/],
    ['grants what was never asked for', flood([0x90, 4, 0, 99, 0, 0]), /never asked \(SUBACK\)/],
    ['releases what it never sent', flood([0x62, 2, 0, 9]), /never asked \(PUBREL\)/],
    ['sends no MQTT', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /packet|header|flag/i],
  ])('and %s is left at once', async (_what, bytes, reason) => {
    const url = await startHostileBroker((socket, { first }) => void socket.write(first ? CONNACK : bytes));
    const { placement } = startPlacement(qedge(url));
    await vi.waitFor(() => expect(placement.state().broker?.lastError).toMatch(reason), soon);
    expect(placement.state().broker?.connected).toBe(false);
  });
});

describe('a broker of MQTT 5', () => {
  it('is told with CONNECT that no packet may be larger than 128 KiB, and need not read one', async () => {
    const connects: Buffer[] = [];
    const url = await startHostileBroker((socket, { first, bytes }) => {
      if (!first) return;
      connects.push(bytes);
      socket.write(CONNACK);
    });
    const { placement } = startPlacement(qedge(url));
    await vi.waitFor(() => expect(placement.state().broker?.connected).toBe(true), soon);
    const maximumPacketSize = Buffer.from([0x27, 0, 2, 0, 0]);
    expect(connects[0]?.includes(maximumPacketSize)).toBe(true);
  });
});

describe('what answers CONNECT', () => {
  it.each([
    ['as a web server', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /does not speak MQTT/],
    ['with an alert of TLS', Buffer.from([0x15, 3, 1, 0, 2, 2, 40]), /does not speak MQTT/],
    ['as nothing that is known', Buffer.alloc(50), /./],
  ])('%s is left, with the reason, and tried again', async (_how, bytes, reason) => {
    const url = await startHostileBroker((socket) => void socket.write(bytes));
    const { placement, logLines } = startPlacement(qedge(url));
    await vi.waitFor(() => expect(logLines.filter(({ msg }) => msg === 'broker lost')).not.toEqual([]), soon);
    expect(placement.state().broker).toMatchObject({ connected: false, lastError: expect.stringMatching(reason) });
  });

  it('a byte at a time is a broker like any other', async () => {
    const url = await startHostileBroker((socket, { first }) => {
      if (first) for (const byte of CONNACK) setImmediate(() => socket.write(Buffer.of(byte)));
    });
    const { placement } = startPlacement(qedge(url));
    await vi.waitFor(() => expect(placement.state().broker?.connected).toBe(true), soon);
  });
});

describe('thousands of retained messages', () => {
  it('hold the event loop for a slice at a time', async () => {
    const broker = await startMosquitto({ conf: ['max_queued_messages 0'] });
    const client = await publisher(broker.url);
    const topics = Array.from({ length: 4_000 }, (_, i) => `${TOPIC}${i}`);
    await Promise.all(topics.map((topic) => retain(client, topic, address)));
    const { keys } = startPlacement(qedge(broker.url));
    let turnsWhileComing = 0;
    const turns = setInterval(() => {
      if (keys().length % 4_000 !== 0) turnsWhileComing++;
    }, 1);
    await vi.waitFor(() => expect(keys()).toHaveLength(4_000), { ...soon, interval: 500 });
    clearInterval(turns);
    expect(turnsWhileComing).toBeGreaterThan(3);
  });
});

describe('placement.allow', () => {
  const narrow = (toml: string): string => toml.replace('"127.0.0.0/8"', '"10.0.0.0/8"');

  it('applies to what is known when it narrows', async () => {
    const broker = await startMosquitto();
    const toml = qedge(broker.url);
    const { placement, keys, targets } = startPlacement(toml);
    const client = await publisher(broker.url);
    await retain(client, TOPIC, address);
    await retain(client, 'qedge/v1/nodes/n1', { address: '127.0.0.2', probe_port: 9 });
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    await vi.waitFor(() => expect(targets.get('n1')?.ping).toEqual({ host: '127.0.0.2', port: 9 }), soon);
    placement.configure(configFrom(narrow(toml)));
    expect(keys()).toEqual([]);
    expect(targets.get('n1')).toBeNull();
  });

  it('applies to what the store brings back, as does every other check', async () => {
    const toml = qedge('mqtt://127.0.0.1:9');
    const named = { service: 'pilotnet', nodeId: 'n1', scheme: 'http', labels: {}, profile: null } as const;
    const instances = [
      { ...named, id: 'allowed', host: '127.0.0.1', port: 9000 },
      { ...named, id: 'outside', host: '8.8.8.8', port: 53 },
      { ...named, id: 'metadata', host: '169.254.169.254', port: 80 },
      { ...named, id: 'itself', host: '127.0.0.1', port: 8080 },
      { ...named, id: 'not-served', service: 'other', host: '127.0.0.1', port: 9000 },
    ].map((instance) => ({ source: 'native' as const, instance, boot: null }));
    const node = { id: 'n2', address: '8.8.8.8', probePort: 53, tier: null, labels: {}, boot: null };
    const { keys, placement } = startPlacement(toml, {
      prepare: (prepared) => prepared.import({ version: 1, nodes: [{ node, lostForMs: null }], instances }, 0),
    });
    expect(keys()).toEqual(['n1/allowed up']);
    expect(placement.state().nodes.map((known) => known.node.address)).toEqual([null]);
    expect(placement.state().rejected).toBe(4);
  });

  it('without loopback, an own instance there is used on this node and kept from the others', async () => {
    const broker = await startMosquitto();
    const announce = '[[announce]]\nservice = "pilotnet"\nid = "own"\nurl = "http://127.0.0.1:9000"\nhealth = false\n';
    const client = await publisher(broker.url);
    await retain(client, 'qedge/v1/nodes/self/services/pilotnet/instances/own', { ...address, boot: 'earlier' });
    const { keys, logLines } = startPlacement(narrow(qedge(broker.url)) + announce);
    await vi.waitFor(() => expect(keys()).toEqual(['self/own up']), soon);
    const all = async (): Promise<unknown> => [...(await retained(client, 'qedge/v1/nodes/#'))];
    await vi.waitFor(async () => {
      expect(await all()).toEqual([['qedge/v1/nodes/self', expect.not.stringContaining('127.0.0.1')]]);
    }, soon);
    expect(logLines).toContainEqual(
      expect.objectContaining({ instance: 'own', msg: 'instance on loopback is used on this node alone' }),
    );
  });
});

describe('a publisher that means no good', () => {
  it('can nest a profile as deep as the payload allows, and is refused', async () => {
    const broker = await startMosquitto();
    const client = await publisher(broker.url);
    const { keys, logLines } = startPlacement(qedge(broker.url));
    const deep = `${'['.repeat(8_000)}1${']'.repeat(8_000)}`;
    for (const [i, fields] of [`"profile":{"a":${deep}}`, `"host":${deep}`].entries()) {
      await retain(client, `${TOPIC}${i}`, `{"host":"127.0.0.1","port":9,${fields}}`);
    }
    await retain(client, TOPIC, address);
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    const refused = logLines.filter(({ msg }) => msg === 'placement message refused');
    expect(refused.map(({ code }) => code)).toEqual(['depth', 'depth']);
  });

  it('can point an instance neither at a metadata service, nor at this qedge, nor out of the allowed networks', async () => {
    const broker = await startMosquitto();
    const server = createServer((_request, response) => response.writeHead(204).end());
    onTestFinished(() => void server.close());
    const port = await listening(server);
    const client = await publisher(broker.url);
    const { keys, targets, logLines } = startPlacement(qedge(broker.url), {
      ownListeners: [{ host: '127.0.0.1', port }],
    });
    const bad: readonly (readonly [string, unknown])[] = [
      [TOPIC, { host: '169.254.169.254', port: 80 }],
      [TOPIC, { host: '127.0.0.1', port }],
      [TOPIC, { host: '::1', port }],
      [TOPIC, { host: '8.8.8.8', port: 53 }],
      [TOPIC, { host: 'localhost', port: 9000 }],
      ['qedge/v1/nodes/n1', { address: '169.254.169.254', probe_port: 80 }],
      ['qedge/v1/nodes/n1', { address: '127.0.0.1', probe_port: port }],
    ];
    for (const [i, [topic, payload]] of bad.entries()) {
      await retain(client, topic === TOPIC ? `${TOPIC}${i}` : `${topic}-${i}`, payload);
    }
    const data = { ipAddress: '169.254.169.254', port: 80 };
    await client.publishAsync(
      'changes/node/n1/service/pilotnet/instance/i',
      JSON.stringify({ type: 'INSTANCE_RUNNING', messageData: data }),
      { qos: 1 },
    );
    await retain(client, `${TOPIC}-good`, address);
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a-good up']), soon);
    await vi.waitFor(() => {
      const details = logLines.filter(({ msg }) => msg === 'placement message refused').map(({ detail }) => detail);
      expect(details.sort()).toEqual(
        [
          'address 127.0.0.1:%d is this qedge itself',
          'address 127.0.0.1:%d is this qedge itself',
          'address 169.254.169.254 is link-local (RFC 3927)',
          'address 169.254.169.254 is link-local (RFC 3927)',
          'address 169.254.169.254 is link-local (RFC 3927)',
          'address 8.8.8.8 is outside placement.allow',
          'address ::1:%d is this qedge itself',
          'host "localhost" is not an IPv4 or IPv6 address',
        ].map((detail) => detail.replace('%d', String(port))),
      );
    }, soon);
    expect([...targets.keys()]).toEqual(['n1']);
  });

  it('can flood with 10,000 bad messages on as many topics and changes nothing but a counter', async () => {
    const broker = await startMosquitto();
    const client = await publisher(broker.url);
    const { keys, placement, logLines, metrics } = startPlacement(qedge(broker.url));
    await retain(client, TOPIC, address);
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    const payloads = ['not json', '[]', '{"host":1}', '{"host":"10.0.0.1","port":-1}', 'x'.repeat(20_000)];
    const flood = Array.from({ length: 10_000 }, (_, i) =>
      client.publishAsync(`qedge/v1/nodes/x${i}/services/pilotnet/instances/a`, payloads[i % 5] ?? '', {
        qos: 1,
        retain: true,
      }),
    );
    await Promise.all(flood);
    await vi.waitFor(() => expect(placement.state().rejected).toBe(10_000), soon);
    expect(keys()).toEqual(['n1/a up']);
    expect(logLines.filter(({ msg }) => msg === 'placement message refused').length).toBeLessThanOrEqual(30);
    for (const reason of ['json', 'type', 'port', 'size']) {
      expect(textOf(metrics)).toMatch(new RegExp(`rejected_total\\{reason="${reason}"\\} [24]000`));
    }
    expect(placement.state().broker).toMatchObject({ connected: true, connects: 1 });
  });

  it('can retain garbage on every topic and hides nothing that is good', async () => {
    const broker = await startMosquitto();
    const client = await publisher(broker.url);
    const garbage = ['\u0000', '{', '{}', 'null', '{"address":{}}', '"', '[[[[', '{"type":"INSTANCE_ADDED"}'];
    const topics = [
      'qedge/v1/nodes/g',
      `${TOPIC}-g`,
      'qedge/v1/nodes/self',
      'changes/node/n/service/pilotnet/instance/g',
    ];
    for (const [i, payload] of garbage.entries()) {
      for (const topic of topics)
        await retain(client, topic === 'qedge/v1/nodes/self' ? topic : `${topic}${i}`, payload);
    }
    await retain(client, TOPIC, address);
    const { keys, placement } = startPlacement(qedge(broker.url));
    await vi.waitFor(() => expect(keys()).toEqual(['n1/a up']), soon);
    expect(placement.state().broker).toMatchObject({ connected: true });
  });
});
