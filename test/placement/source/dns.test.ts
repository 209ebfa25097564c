// Instances that DNS names, asked of a name server of the test over real sockets.

import { describe, expect, it } from 'vitest';
import type { DnsRecord, RecordData } from '../../../src/net/dns/message.ts';
import { configFrom } from '../../support/config.ts';
import { startNameServer } from '../../support/name-server.ts';
import { PATIENCE } from '../../support/patience.ts';
import { startPlacement, type TestPlacement } from '../../support/placement.ts';

const config = (port: number, names: string, more = ''): string => `
[node]
id = "self"
[placement.dns]
servers = ["127.0.0.1:${port}"]
names = { pilotnet = ${names} }
${more}
[[service]]
name = "pilotnet"
qos.latency = "80ms"
`;

const record = (name: string, data: RecordData, ttlSeconds = 1): DnsRecord => ({ name, ttlSeconds, data });
const a = (name: string, address: string, ttlSeconds = 1): DnsRecord =>
  record(name, { type: 'A', address }, ttlSeconds);
const srv = (name: string, target: string, port = 9000): DnsRecord =>
  record(name, { type: 'SRV', priority: 10, weight: 1, port, target });
const alias = (name: string, target: string): DnsRecord => record(name, { type: 'CNAME', target });
const trouble = ({ placement }: TestPlacement): string | null => placement.state().sources[0]?.trouble ?? null;

describe('a name in DNS', () => {
  it('of a service gives each target as an instance, with the scheme that stands before it', async () => {
    const { port } = await startNameServer(({ name, type }) => {
      if (type === 'SRV') return { answers: [srv(name, 'Pi-7.lan'), srv(name, 'pi-8.lan', 9001), srv(name, '')] };
      if (name === 'pi-8.lan') return { answers: type === 'AAAA' ? [record(name, { type, address: 'fd00::8' })] : [] };
      return { answers: [a(name, '10.0.0.9'), a(name, '10.0.0.7')] };
    });
    const started = startPlacement(config(port, '"h2c://_pilotnet._tcp.lan"'));
    await expect.poll(started.keys, PATIENCE).toEqual(['pi-7.lan/9000 up', 'pi-8.lan/9001 up']);
    const [first] = started.placement.state().instances.filter(({ key }) => key === 'pi-7.lan/9000');
    expect(first).toMatchObject({
      source: 'dns',
      instance: { scheme: 'h2c', host: '10.0.0.7', port: 9000, labels: { priority: '10' } },
    });
    expect(started.timesKnown()).toBe(1);
  });

  it('with a port gives each address as an instance, and an alias is followed', async () => {
    const { port } = await startNameServer(({ name, type }) => {
      if (type !== 'A') return {};
      return name === 'real.lan'
        ? { answers: [a(name, '10.0.0.7'), a(name, '10.0.0.8'), a(name, '169.254.169.254')] }
        : { answers: [alias(name, 'real.lan')] };
    });
    const started = startPlacement(config(port, '["yolo.lan:9000"]'));
    await expect.poll(started.keys, PATIENCE).toEqual(['10.0.0.7/9000 up', '10.0.0.8/9000 up']);
    expect(started.logLines).toContainEqual(
      expect.objectContaining({ detail: 'address 169.254.169.254 is link-local (RFC 3927)' }),
    );
  });

  it('is asked for again when its time is over, and what is no longer there is gone', async () => {
    let isLater = false;
    const { port, asked } = await startNameServer(({ name }) => {
      if (name === 'goes.lan') return isLater ? { code: 3 } : { answers: [a(name, '10.0.0.9', 0)] };
      return { answers: [a(name, '10.0.0.8', 60), ...(isLater ? [] : [a(name, '10.0.0.7', 0)])] };
    });
    const { keys } = startPlacement(config(port, '["yolo.lan:9000", "goes.lan:9000"]'));
    await expect.poll(keys, PATIENCE).toEqual(['10.0.0.7/9000 up', '10.0.0.8/9000 up', '10.0.0.9/9000 up']);
    isLater = true;
    await expect.poll(keys, PATIENCE).toEqual(['10.0.0.8/9000 up']);
    // Once a second at the most, no matter what the answer says.
    expect(asked.length).toBeLessThan(8);
  });

  it('stands for its last answer no longer than it may', async () => {
    let code = 0;
    const { port } = await startNameServer(({ name }) => (code === 0 ? { answers: [a(name, '10.0.0.7')] } : { code }));
    const started = startPlacement(config(port, '"yolo.lan:9000"', 'stale = "1ms"'));
    await expect.poll(started.keys, PATIENCE).toEqual(['10.0.0.7/9000 up']);
    code = 2;
    await expect.poll(started.keys, PATIENCE).toEqual([]);
    expect(trouble(started)).toBe('yolo.lan: 127.0.0.1: SERVFAIL; its last answer is too old to be used');
  });

  it('is asked for again where there is no way to its server yet', async () => {
    // The kernel lets no one connect to the broadcast address: as to any address while the network is not up.
    const toml = config(53, '"yolo.lan:9000"').replace('127.0.0.1:53', '255.255.255.255:53');
    const started = startPlacement(toml);
    await expect.poll(() => trouble(started), PATIENCE).toMatch(/EACCES/);
  });

  it('that leads from alias to alias without an end is given up', async () => {
    let step = 0;
    const { port, asked } = await startNameServer(({ name }) => {
      if (name === 'round.lan') return { answers: [alias('round.lan', 'a.lan'), alias('a.lan', 'round.lan')] };
      return { answers: [alias(name, `step-${step++}.lan`)] };
    });
    const started = startPlacement(config(port, '["round.lan:1", "long.lan:1"]'));
    await expect.poll(() => trouble(started), PATIENCE).toBe('round.lan: more than 8 aliases; its last answer stands');
    expect(started.timesKnown()).toBe(1);
    expect(asked.filter((one) => !one.startsWith('round.lan')).length).toBeLessThan(30);
  });

  it('whose answer is too long for a datagram is asked for over TCP, and has so many targets at most', async () => {
    let count = 40;
    const { port, asked } = await startNameServer(({ name, type }) => {
      if (type !== 'SRV') return { answers: [a(name, '10.0.0.7')] };
      return { answers: Array.from({ length: count }, (_, i) => srv(name, 'pi-7.lan', 9000 + i)) };
    });
    const started = startPlacement(config(port, '"_pilotnet._tcp.lan"'));
    await expect.poll(() => started.keys().length, PATIENCE).toBe(40);
    expect(asked).toContain('_pilotnet._tcp.lan SRV tcp');
    count = 1_000;
    await expect.poll(() => trouble(started), PATIENCE).toContain('1000 targets, more than 256');
    expect(started.keys().length).toBe(40);
  });

  it('keeps the instances of before a restart until it is answered', async () => {
    let silent = false;
    const { port } = await startNameServer(({ name }) => (silent ? { code: 2 } : { answers: [a(name, '10.0.0.7')] }));
    const toml = config(port, '"yolo.lan:9000"');
    const before = startPlacement(toml);
    await expect.poll(before.keys, PATIENCE).toEqual(['10.0.0.7/9000 up']);
    const saved = before.placement.export();
    silent = true;
    const after = startPlacement(toml, { prepare: (placement) => placement.import(saved, 1_000) });
    await expect.poll(() => trouble(after), PATIENCE).toContain('SERVFAIL');
    expect(after.keys()).toEqual(['10.0.0.7/9000 up']);
    after.placement.configure(configFrom(toml.replace(/\[placement.dns\]\n.*\n.*\n/, '')));
    await expect.poll(after.keys, PATIENCE).toEqual([]);
  });

  it('of a service that is not there is a mistake, and so is a name without a port', () => {
    expect(() => configFrom(config(53, '"yolo.lan"'))).toThrow(
      'expected a name such as "_pilotnet._tcp.edge.lan", or "pilotnet.edge.lan:9000"',
    );
    expect(() => configFrom(config(53, '"yolo.lan:1", pilotnett = "yolo.lan:1"'))).toThrow(
      'no [[service]] is named "pilotnett", did you mean "pilotnet"?',
    );
  });
});
