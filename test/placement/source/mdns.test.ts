// Two nodes that find each other over real multicast on loopback, and what a stranger there can do.

import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeDns } from '../../../src/net/dns/decode.ts';
import { encodeMulticast } from '../../../src/net/dns/encode.ts';
import type { DnsRecord } from '../../../src/net/dns/message.ts';
import { recordsOf } from '../../../src/placement/source/mdns/service-record.ts';
import { PATIENCE } from '../../support/patience.ts';
import { startPlacement, type TestPlacement } from '../../support/placement.ts';

/** Services of its own for each test: others on this machine may speak in the group as well. */
const newService = (): string => `s-${randomUUID().slice(0, 8)}`;

const config = (id: string, service: string, port: number | null): string => `
[node]
id = "${id}"
address = "127.0.0.1"
tier = "near-edge"
[placement.mdns]
interfaces = ["lo"]
[[service]]
name = "${service}"
qos.latency = "80ms"
${port === null ? '' : `[[announce]]\nservice = "${service}"\nurl = "http://127.0.0.1:${port}"\nlabels = { zone = "a" }\nprofile = { energy = 3 }\nhealth = false\n`}`;

const foreign = ({ placement }: TestPlacement): readonly string[] =>
  placement
    .state()
    .instances.flatMap(({ key, source }) => (source === 'mdns' ? [key] : []))
    .sort();

interface Stranger {
  say(answers: readonly DnsRecord[]): void;
  sayBytes(bytes: Buffer): void;
  readonly heard: DnsRecord[];
}

async function stranger(): Promise<Stranger> {
  const heard: DnsRecord[] = [];
  const ear = createSocket({ type: 'udp4', reuseAddr: true });
  ear.on('message', (bytes) => {
    try {
      heard.push(...decodeDns(bytes).answers);
    } catch {
      // Said by a test on purpose.
    }
  });
  await new Promise<void>((resolve) => ear.bind(5353, '0.0.0.0', resolve));
  ear.addMembership('224.0.0.251', '127.0.0.1');
  const mouth = createSocket({ type: 'udp4', reuseAddr: true });
  await new Promise<void>((resolve) => mouth.bind(5353, '127.0.0.1', resolve));
  mouth.setMulticastInterface('127.0.0.1');
  onTestFinished(() => {
    ear.close();
    mouth.close();
  });
  const sayBytes = (bytes: Buffer): void => mouth.send(bytes, 5353, '224.0.0.251');
  return { say: (answers) => sayBytes(encodeMulticast({ answers })), sayBytes, heard };
}

const all = ({ pointers, service, text, address }: ReturnType<typeof recordsOf>): readonly DnsRecord[] => [
  ...pointers,
  service,
  text,
  address,
];

const instance = (service: string, more: object = {}) => ({
  ...{
    service,
    nodeId: 'pi-9',
    id: 'a',
    scheme: 'http' as const,
    host: '127.0.0.1',
    port: 9009,
    labels: {},
    profile: null,
  },
  ...more,
});

describe('over multicast DNS', () => {
  it('two nodes find each other without a broker, and say goodbye', async () => {
    const service = newService();
    const { heard } = await stranger();
    const one = startPlacement(config('pi-1', service, 9001));
    const other = startPlacement(config('pi-2', service, 9002));
    await expect.poll(() => foreign(one), PATIENCE).toEqual(['pi-2/9002']);
    await expect.poll(() => foreign(other), PATIENCE).toEqual(['pi-1/9001']);
    expect(other.updates).toContainEqual({
      kind: 'instance-set',
      instance: {
        ...{ service, nodeId: 'pi-1', id: '9001', scheme: 'http', host: '127.0.0.1', port: 9001, source: 'mdns' },
        ...{ labels: { tier: 'near-edge', zone: 'a' }, profile: { energy: 3 } },
      },
    });
    // A node that hands over to another process says no goodbye.
    await other.placement.stop({ succeeded: true });
    await one.placement.stop();
    const goodbyes = (): readonly string[] => [
      ...new Set(heard.filter(({ ttlSeconds }) => ttlSeconds === 0).map(({ name }) => name)),
    ];
    await expect.poll(goodbyes, PATIENCE).toContain(`${service} 9001 on pi-1._qedge._tcp.local`);
    expect(goodbyes()).not.toContain(`${service} 9002 on pi-2._qedge._tcp.local`);
  });

  it('a goodbye takes away, what is refused changes nothing, and a flood is bounded', async () => {
    const service = newService();
    const { say, sayBytes } = await stranger();
    const started = startPlacement(config('self', service, null));
    await expect.poll(started.timesKnown, PATIENCE).toBe(1);
    sayBytes(Buffer.from('none of this is DNS'));
    const wrong = [
      instance(service, { id: 'meta', host: '169.254.169.254' }),
      instance(service, { id: 'far', host: '8.8.8.8' }),
      instance(service, { id: 'slash/ed' }),
    ];
    const good = all(recordsOf(instance(service), 0));
    say([...good, ...wrong.flatMap((one) => all(recordsOf(one, 0)))]);
    await expect.poll(() => foreign(started), PATIENCE).toEqual(['pi-9/a']);
    const details = started.logLines.map(({ detail }) => detail).filter(Boolean);
    expect(details).toEqual([
      'address 169.254.169.254 is link-local (RFC 3927)',
      'address 8.8.8.8 is outside placement.allow',
      'id is not a name: "slash/ed"',
    ]);
    say(good.map((record) => ({ ...record, ttlSeconds: 0 })));
    await expect.poll(() => foreign(started), PATIENCE).toEqual([]);
    // One sender has a thousand names at most.
    for (let i = 0; i < 300; i++) {
      say([0, 1, 2, 3].flatMap((j) => all(recordsOf(instance(service, { id: `${i}-${j}` }), 0))));
      if (i % 50 === 49) await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => foreign(started).length, PATIENCE).toBeGreaterThan(100);
    expect(foreign(started).length).toBeLessThanOrEqual(1_024);
  });

  it('a name that another node has is given up for another one', async () => {
    const service = newService();
    const { say, heard } = await stranger();
    const started = startPlacement(config('pi-1', service, 9001));
    const names = (): readonly string[] => [
      ...new Set(
        heard.filter(({ name, data }) => data.type === 'SRV' && name.startsWith(service)).map(({ name }) => name),
      ),
    ];
    await expect.poll(names, PATIENCE).toEqual([`${service} 9001 on pi-1._qedge._tcp.local`]);
    say(all(recordsOf(instance(service, { nodeId: 'pi-1', id: '9001' }), 0)));
    await expect.poll(names, PATIENCE).toContain(`${service} 9001 on pi-1 (2)._qedge._tcp.local`);
    expect(started.logLines).toContainEqual(
      expect.objectContaining({ msg: 'another node announces an instance by this name over mdns' }),
    );
  });

  it('records whose names are no text, in an answer and in a question for our name, end nothing', async () => {
    const service = newService();
    const { say, sayBytes, heard } = await stranger();
    const started = startPlacement(config('pi-1', service, 9001));
    const names = (): readonly string[] => heard.map(({ name }) => name);
    const own = `${service} 9001 on pi-1._qedge._tcp.local`;
    await expect.poll(names, PATIENCE).toContain(own);
    // 63 bytes of no UTF-8 become 189 when they are read as text, more than a label may have.
    const placeholder = 'x'.repeat(63);
    const target = { type: 'SRV', priority: 0, weight: 0, port: 1, target: `${placeholder}.local` } as const;
    const record: DnsRecord = { name: own, ttlSeconds: 120, data: target };
    const pointer: DnsRecord = {
      name: '_qedge._tcp.local',
      ttlSeconds: 120,
      data: { type: 'PTR', target: `${placeholder}._qedge._tcp.local` },
    };
    const questions = [{ name: '_qedge._tcp.local', type: 'PTR' }] as const;
    for (const sections of [{ answers: [record] }, { questions, answers: [pointer], authorities: [record] }]) {
      const bytes = encodeMulticast(sections);
      for (let at = bytes.indexOf(placeholder); at >= 0; at = bytes.indexOf(placeholder)) bytes.fill(0xff, at, at + 63);
      sayBytes(bytes);
    }
    say(all(recordsOf(instance(service), 0)));
    await expect.poll(() => foreign(started), PATIENCE).toEqual(['pi-9/a']);
    // It took the first for another node of its name.
    await expect.poll(names, PATIENCE).toContain(`${service} 9001 on pi-1 (2)._qedge._tcp.local`);
    expect(started.logLines.filter(({ reason }) => reason === 'internal')).toEqual([]);
  });

  it('an own instance whose address has a zone is refused, and ends nothing', async () => {
    const service = newService();
    const zoned = `[[announce]]\nservice = "${service}"\nurl = "http://[fe80::1%lo]:9002"\nhealth = false\n`;
    const one = startPlacement(`${config('pi-1', service, 9001)}${zoned}`);
    const other = startPlacement(config('pi-2', service, null));
    await expect.poll(() => foreign(other), PATIENCE).toEqual(['pi-1/9001']);
    const detail = 'the zone of "fe80::1%lo" is one of this machine alone';
    expect(one.logLines).toContainEqual(expect.objectContaining({ detail }));
  });
});
