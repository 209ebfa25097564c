// What load balancers near by send one another, over a real broker.

import { describe, expect, it } from 'vitest';
import { bucketOf } from '../../src/core/neighbours/histogram.ts';
import { readSummary, type Summary, summaryText } from '../../src/core/neighbours/summary.ts';
import { withRoundTrips } from '../../src/placement/messages/round-trips.ts';
import { configFrom } from '../support/config.ts';
import { textOf } from '../support/metrics.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { publisher, retain, retained, startPlacement, type TestPlacement } from '../support/placement.ts';

const POLL = { timeout: 10_000, interval: 20 };

function seen(tookMs: number): Summary {
  const counts = Array.from({ length: 24 }, (_, b) => (b === bucketOf(tookMs) ? 4 : 0));
  return { spanMs: 2_000, instances: [{ key: 'n9/a', counts, failures: 0, perSecond: 2, inFlight: 0 }] };
}

const topicOf = (node: string): string => `qedge/v1/nodes/${node}/observations/pilotnet`;

const toml = (url: string, node: string, more = ''): string => `
node = { id = "${node}", address = "127.0.0.1" }
mqtt.url = "${url}"
mqtt.client_id = "${node}"
neighbours = { mode = "observe", max = 2 }
${more}
[[service]]
name = "pilotnet"
qos.latency = "80ms"
`;

/** Nodes that run a qedge, by hand, at these distances, ms. */
async function at(url: string, one: TestPlacement, distances: Readonly<Record<string, number>>) {
  const client = await publisher(url);
  for (const [node, rttMs] of Object.entries(distances)) {
    await retain(client, `qedge/v1/nodes/${node}`, { address: '127.0.0.1', probe_port: 1 });
    await expect.poll(() => one.placement.state().nodes.some(({ node: { id } }) => id === node), POLL).toBe(true);
    one.placement.observeRtt(node, rttMs);
  }
  return client;
}

const keysOf = (text: string): string[] => JSON.parse(text).instances.map(({ key }: { key: string }) => key);

const heardFrom = ({ observations }: TestPlacement): string[] => [...new Set(observations.map(({ nodeId }) => nodeId))];

describe('neighbours over a broker', () => {
  it('hear what the nearest say, and others when distances change', async () => {
    const { url } = await startMosquitto();
    const one = startPlacement(toml(url, 'n0'));
    const client = await at(url, one, { near: 5, nearer: 3, third: 20, far: 200 });
    const heardOnceAllSpoke = async (): Promise<string[]> => {
      one.placement.exchange(new Map());
      for (const node of ['near', 'nearer', 'third', 'far'])
        await client.publishAsync(topicOf(node), summaryText(seen(30)));
      return heardFrom(one).sort();
    };
    await expect.poll(heardOnceAllSpoke, POLL).toEqual(['near', 'nearer']);
    expect(one.observations[0]).toEqual({ nodeId: expect.any(String), service: 'pilotnet', summary: seen(30) });
    one.placement.observeRtt('near', 60);
    await expect.poll(heardOnceAllSpoke, POLL).toContain('third');
    expect(heardFrom(one)).not.toContain('far');
  });

  it('hear one another, each from the other', async () => {
    const { url } = await startMosquitto();
    const pair = ['n0', 'n1'].map((node, i) => {
      const ownListeners = [{ host: '127.0.0.1', port: 8_081 + i }];
      return { node, of: startPlacement(toml(url, node), { ownListeners, boot: node }) };
    });
    const exchanged = async (): Promise<string[][]> => {
      for (const { node, of } of pair) {
        of.placement.observeRtt(node === 'n0' ? 'n1' : 'n0', 2);
        of.placement.exchange(new Map([['pilotnet', seen(30)]]));
      }
      return pair.map(({ of }) => heardFrom(of));
    };
    await expect.poll(exchanged, POLL).toEqual([['n1'], ['n0']]);
  });

  it('say how far they are from others, which makes the matrix of the neighbourhood', async () => {
    const { url } = await startMosquitto();
    const one = startPlacement(toml(url, 'n0'));
    const client = await at(url, one, { near: 5, far: 200 });
    const theirs = withRoundTrips(
      summaryText(seen(30)),
      new Map([
        ['n0', 5.04],
        ['third', 11],
      ]),
      2_048,
    );
    const said: unknown[] = [];
    client.on('message', (_topic, payload) => said.push(JSON.parse(String(payload)).rtts));
    await client.subscribeAsync(topicOf('n0'));
    const rows = async (): Promise<unknown> => {
      one.placement.exchange(new Map([['pilotnet', seen(30)]]));
      await client.publishAsync(topicOf('near'), theirs);
      return one.placement.state().neighbourhood?.roundTrips.map(({ nodeId, rttsMs }) => [nodeId, rttsMs]);
    };
    await expect.poll(rows, POLL).toEqual([
      ['n0', { near: 5 }],
      ['near', { n0: 5, third: 11 }],
    ]);
    expect(said).toContainEqual({ near: 5 });
  });

  it('are left and listened to again by a reload, over the session that there is', async () => {
    const { url } = await startMosquitto();
    const heardOf = (neighbours: string): string =>
      toml(url, 'n0', 'placement.reach = false').replace('mode = "observe", max = 2', neighbours);
    const one = startPlacement(heardOf('mode = "off"'));
    await at(url, one, { near: 5, nearer: 3 });
    const alone = one.placement.state().broker?.subscriptions ?? 0;
    const listensTo = async (neighbours: string): Promise<number> => {
      one.placement.configure(configFrom(heardOf(neighbours)));
      // A reload takes effect a turn later.
      await new Promise(setImmediate);
      if (one.placement.state().neighbourhood !== null) one.placement.exchange(new Map());
      return (one.placement.state().broker?.subscriptions ?? 0) - alone;
    };
    await expect.poll(() => listensTo('mode = "use", max = 2'), POLL).toBe(2);
    await expect.poll(() => listensTo('mode = "observe", max = 1'), POLL).toBe(1);
    await expect.poll(() => listensTo('mode = "off"'), POLL).toBe(0);
    expect(textOf(one.metrics)).toMatch(/qedge_mqtt_connects_total 1\n/);
  });

  it('are sent a first summary again when a reload turns them off and on', async () => {
    const { url } = await startMosquitto();
    const one = startPlacement(toml(url, 'n0'));
    const many = Array.from({ length: 16 }, (_, i) =>
      seen(30).instances.map((of) => ({ ...of, key: `n${i}/a` })),
    ).flat();
    const sentAfterTurn = (): number | undefined => {
      one.placement.exchange(new Map([['pilotnet', { spanMs: 2_000, instances: many }]]));
      return one.placement.state().neighbourhood?.summariesSent;
    };
    await expect.poll(sentAfterTurn, POLL).toBe(1);
    expect(sentAfterTurn()).toBe(1);
    for (const mode of ['off', 'observe']) {
      one.placement.configure(configFrom(toml(url, 'n0').replace('mode = "observe"', `mode = "${mode}"`)));
      // A reload takes effect a turn later.
      await new Promise(setImmediate);
    }
    expect(sentAfterTurn()).toBe(2);
  });

  it('of another machine are not heard of what loopback means there, those of this one are', async () => {
    const { url } = await startMosquitto();
    const one = startPlacement(toml(url, 'n0'));
    const client = await publisher(url);
    for (const [node, address] of [
      ['beside', '127.0.0.1'],
      ['elsewhere', '192.168.7.7'],
    ]) {
      // One that cannot be pinged, and whose distance is known all the same.
      await retain(client, `qedge/v1/nodes/${node}`, { address, boot: 'b1' });
      await expect.poll(() => one.placement.state().nodes.some(({ node: { id } }) => id === node), POLL).toBe(true);
      one.placement.observeRtt(`${node}`, 5);
    }
    const { spanMs, instances } = seen(30);
    const both = {
      spanMs,
      instances: [...instances, ...instances.map((seenOf) => ({ ...seenOf, key: '127.0.0.1/a' }))],
    };
    const keysFrom = (): string[] => {
      const keys = one.observations.flatMap(({ nodeId, summary }) =>
        summary.instances.map(({ key }) => `${nodeId} ${key}`),
      );
      return [...new Set(keys)].sort();
    };
    const heard = async (): Promise<string[]> => {
      one.placement.exchange(new Map());
      for (const node of ['beside', 'elsewhere']) await client.publishAsync(topicOf(node), summaryText(both));
      return keysFrom();
    };
    await expect.poll(heard, POLL).toEqual(['beside 127.0.0.1/a', 'beside n9/a', 'elsewhere n9/a']);
  });

  it('get what was seen here: retained for ten seconds, so that one that starts hears it at once', async () => {
    const { url } = await startMosquitto();
    const one = startPlacement(toml(url, 'n0'));
    const client = await publisher(url);
    await expect.poll(() => one.placement.state().broker?.connected, POLL).toBe(true);
    one.placement.exchange(new Map([['pilotnet', seen(30)]]));
    const expiries: unknown[] = [];
    client.on('message', (_topic, _payload, { properties }) => expiries.push(properties?.messageExpiryInterval));
    await expect.poll(async () => (await retained(client, topicOf('n0'))).size, POLL).toBe(1);
    const [text = ''] = (await retained(client, topicOf('n0'))).values();
    expect(readSummary(JSON.parse(text))).toEqual(seen(30));
    expect(expiries[0]).toBeLessThanOrEqual(10);
  });

  it('are counted once where the broker says what it keeps once more, after a reconnect or a way that got longer', async () => {
    const { url } = await startMosquitto();
    const one = startPlacement(toml(url, 'n0'));
    const client = await at(url, one, { near: 5 });
    const heard = (): (string | undefined)[] => one.observations.map(({ summary }) => summary.instances[0]?.key);
    const named = (key: string): Summary => ({
      ...seen(30),
      instances: seen(30).instances.map((of) => ({ ...of, key })),
    });
    /** News is heard when it is said, behind all that is retained. */
    const heardLater = async (key: string): Promise<void> => {
      const saidLater = async (): Promise<unknown> => {
        one.placement.exchange(new Map());
        await client.publishAsync(topicOf('near'), summaryText({ ...named(key), isNews: true }));
        return heard();
      };
      await expect.poll(saidLater, POLL).toContain(key);
    };
    await heardLater('n1/a');
    await retain(client, topicOf('near'), summaryText(named('kept/a')));
    await expect.poll(heard, POLL).toContain('kept/a');
    const rival = await publisher(url, { clientId: 'n0' });
    await rival.endAsync();
    await expect.poll(() => textOf(one.metrics), POLL).toMatch(/qedge_mqtt_connects_total 2\n/);
    await heardLater('n2/a');
    for (const rttMs of [500, 5]) {
      one.placement.observeRtt('near', rttMs);
      one.placement.exchange(new Map());
    }
    await heardLater('n3/a');
    expect(heard().filter((key) => key === 'kept/a')).toHaveLength(1);
  });

  it('get news at once, and one that starts later hears all that was said before it', async () => {
    const { url } = await startMosquitto();
    const one = startPlacement(toml(url, 'n0'));
    const client = await publisher(url);
    await expect.poll(() => one.placement.state().broker?.connected, POLL).toBe(true);
    const said: string[][] = [];
    client.on('message', (_topic, payload) => said.push(keysOf(String(payload))));
    await client.subscribeAsync(topicOf('n0'));
    const { spanMs, instances } = seen(30);
    const all = { spanMs, instances: Array.from({ length: 12 }, (_, i) => ({ ...instances[0], key: `n${i}/a` })) };
    one.placement.exchange(new Map([['pilotnet', all as Summary]]));
    const newcomer = { ...all, instances: [{ ...instances[0], key: 'n99/a' }] };
    one.placement.say(new Map([['pilotnet', newcomer as Summary]]));
    await expect.poll(() => said, POLL).toEqual([all.instances.map(({ key }) => key), ['n99/a']]);
    await client.unsubscribeAsync(topicOf('n0'));
    const later = await publisher(url);
    const [text = ''] = (await retained(later, topicOf('n0'))).values();
    expect(keysOf(text)).toHaveLength(12);
  });

  it('say news once more with what is retained after it, for one that starts later', async () => {
    const { url } = await startMosquitto();
    const one = startPlacement(toml(url, 'n0'));
    const later = await publisher(url);
    await expect.poll(() => one.placement.state().broker?.connected, POLL).toBe(true);
    const { spanMs, instances } = seen(30);
    const newcomer = instances.map((of) => ({ ...of, key: 'n99/a' }));
    one.placement.exchange(new Map([['pilotnet', seen(30)]]));
    one.placement.say(new Map([['pilotnet', { spanMs, instances: newcomer }]]));
    const saidAgain = async (): Promise<unknown> => {
      one.placement.say(new Map([['pilotnet', seen(30)]]));
      const [text = '{}'] = (await retained(later, topicOf('n0'))).values();
      return readSummary(JSON.parse(text));
    };
    await expect.poll(saidAgain, POLL).toMatchObject({ instances: [{ key: 'n9/a' }], asNews: newcomer });
  });

  it('are counted, named and not heard when they say what cannot be', async () => {
    const { url } = await startMosquitto();
    const one = startPlacement(toml(url, 'n0'));
    const client = await at(url, one, { near: 5 });
    const good = JSON.parse(summaryText(seen(30)));
    const bad: readonly [string, string][] = [
      ['version', JSON.stringify({ ...good, version: 7 })],
      ['impossible', JSON.stringify({ ...good, span_ms: -1 })],
      ['type', JSON.stringify({ ...good, instances: 'all' })],
      ['impossible', JSON.stringify({ ...good, rtts: { n0: -1 } })],
      ['type', JSON.stringify({ ...good, rtts: { n0: '5' } })],
      ['json', 'rubbish'],
      ['size', ' '.repeat(20_000)],
    ];
    const refused = (): string[] =>
      one.logLines.flatMap(({ msg, code }) => (msg === 'placement message refused' ? [String(code)] : []));
    for (const [, payload] of bad) {
      const before = one.placement.state().rejected;
      await expect
        .poll(async () => {
          one.placement.exchange(new Map());
          await client.publishAsync(topicOf('near'), payload);
          return one.placement.state().rejected;
        }, POLL)
        .toBeGreaterThan(before);
    }
    expect(refused()).toContain('version');
    // One that was sent twice may have been counted in place of the next, which is under way still.
    for (const [code] of bad) {
      const counted = new RegExp(`messages_rejected_total\\{reason="${code}"\\} [1-9]`);
      await expect.poll(() => textOf(one.metrics), POLL).toMatch(counted);
    }
    expect(one.observations).toEqual([]);
  });
});
