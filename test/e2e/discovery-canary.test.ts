// A canary at the doors of discovery and learning: answers of name servers and packets of multicast DNS, what neighbours say that they
// saw, and all messages of a task of federated learning, mutated. Each is taken or refused, and nothing else leaves the door. The long
// form takes `CANARY_INPUTS=10000` at each door. A failure prints its seed, and `CANARY_SEED` repeats it.

import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import type { Instance } from '../../src/core/domain.ts';
import { BUCKETS } from '../../src/core/neighbours/histogram.ts';
import { Neighbours } from '../../src/core/neighbours/neighbours.ts';
import { mergeInTime, summaryText } from '../../src/core/neighbours/summary.ts';
import { createRng } from '../../src/core/rng.ts';
import { Course } from '../../src/learning/controller/course.ts';
import { Ignored } from '../../src/learning/controller/ignored.ts';
import { Offers } from '../../src/learning/controller/offers.ts';
import { find } from '../../src/learning/controller/search/find.ts';
import { readClaim, readOffer, readPart, readProgress, readState } from '../../src/learning/messages/payloads.ts';
import { decodeDns } from '../../src/net/dns/decode.ts';
import { encodeMulticast } from '../../src/net/dns/encode.ts';
import { type DnsMessage, DnsMessageError, type DnsRecord } from '../../src/net/dns/message.ts';
import { createAddressPolicy } from '../../src/placement/address-policy.ts';
import { BadMessage } from '../../src/placement/messages/bad-message.ts';
import { parseMessage } from '../../src/placement/messages/message.ts';
import { Neighbours as Heard } from '../../src/placement/source/mdns/neighbours.ts';
import { Responder } from '../../src/placement/source/mdns/responder.ts';
import { instanceFrom, recordsOf, SERVICE_TYPE } from '../../src/placement/source/mdns/service-record.ts';
import { candidateAt } from '../core/candidates.ts';
import { inputsOr, Nothing, takesOrRefuses } from '../support/canary.ts';
import { hostileInput } from '../support/hostile-bytes.ts';
import { hostileJson } from '../support/hostile-json.ts';

const INPUTS = inputsOr(200);
vi.setConfig({ testTimeout: 120_000 + INPUTS * 50 });

const INSTANCE: Instance = {
  ...{ service: 'svc', nodeId: 'n', id: 'i', scheme: 'http' as const, host: '10.0.0.1', port: 80 },
  ...{ labels: { a: 'b' }, profile: { e: 1 } },
};

function decoded(bytes: Buffer): DnsMessage | null {
  try {
    return decodeDns(bytes);
  } catch (error) {
    if (error instanceof DnsMessageError) return null;
    throw error;
  }
}

it('a mutated packet of DNS is heard or refused, and ends nothing', async () => {
  const { pointers, service, text, address } = recordsOf(INSTANCE, 0);
  const own = [...pointers, service, text, address];
  const other: readonly DnsRecord[] = [
    {
      name: service.name,
      ttlSeconds: 120,
      data: { type: 'SRV', priority: 0, weight: 0, port: 1, target: 'x'.repeat(63) },
    },
    { name: SERVICE_TYPE, ttlSeconds: 9, data: { type: 'PTR', target: `${'y'.repeat(63)}.${SERVICE_TYPE}` } },
    { name: 'host.local', ttlSeconds: 2 ** 31, data: { type: 'AAAA', address: 'fd00::7' } },
  ];
  const packets = [
    encodeMulticast({ answers: own }),
    encodeMulticast({ answers: other, additionals: own }),
    encodeMulticast({
      questions: [{ name: service.name, type: 'ANY', unicast: true }],
      authorities: other.slice(0, 1),
    }),
    encodeMulticast({ questions: [{ name: SERVICE_TYPE, type: 'PTR' }], answers: [...pointers, ...other] }),
  ];
  // What is no UTF-8 is longer when it is read as text.
  const noText = fc.tuple(fc.boolean(), hostileInput(packets)).map(([bad, { bytes }]) => {
    if (!bad) return bytes;
    const copy = Buffer.from(bytes);
    for (const [at, byte] of copy.entries()) if (byte === 0x78 || byte === 0x79) copy[at] = 0xff;
    return copy;
  });
  const responder = new Responder({
    rng: createRng(1),
    send: async () => {},
    refuse: () => {},
    onConflict: () => {},
  });
  responder.offer([INSTANCE]);
  const heard = new Heard();
  let nowMs = 0;
  const take = (bytes: Buffer): void => {
    const message = decoded(bytes);
    if (message === null) return;
    responder.hear(message);
    heard.hear([...message.answers, ...message.additionals], { from: '10.0.0.2', nowMs });
    // By then what is missing of it is asked for.
    nowMs += 300;
    encodeMulticast({ questions: heard.takeDue(8, nowMs).map((name) => ({ name, type: 'ANY' })) });
    heard.expire(nowMs);
    for (const { texts, host, port } of heard.known(nowMs)) {
      try {
        instanceFrom(texts, { host, port });
      } catch (error) {
        if (!(error instanceof BadMessage)) throw error;
      }
    }
  };
  takesOrRefuses({ inputs: noText, numRuns: INPUTS }, take, Nothing);
  await responder.stop(true);
});

it('what a neighbour saw, mutated, is taken or refused, and leaves figures that are numbers', () => {
  const summary = {
    ...{ version: 1, span_ms: 2000, rtts: { a: 1.5, b: 20 } },
    instances: [
      { key: 'n/i', first: 3, counts: [1, 2, 3], failures: 1, rate: 5, in_flight: 2 },
      { key: 'n/j', first: 0, counts: [9], rate: 0.1, in_flight: 0 },
    ],
  };
  const addresses = createAddressPolicy({ allow: ['10.0.0.0/8'], ownListeners: () => [], localAddresses: () => [] });
  const context = { prefix: 'qedge/v1', nodeId: 'self', addresses };
  const candidate = candidateAt(0, 5);
  const neighbours = new Neighbours({
    ...{ latencyMs: 80, use: true, samplesMax: 20, nowMs: 0 },
    candidates: () => [candidate],
    handleOf: (key) => (key === 'n/i' ? 0 : undefined),
    agesMs: () => [],
    perSecond: () => 1,
    inFlight: () => 0,
    onIgnored: () => {},
  });
  let nowMs = 0;
  const take = (text: string): void => {
    const topic = 'qedge/v1/nodes/n2/observations/svc';
    const message = parseMessage({ topic, payload: Buffer.from(text) }, context);
    if (message.kind !== 'observations' || message.summary === null) return;
    nowMs += 100;
    neighbours.hear('n2', message.summary, nowMs);
    neighbours.look(0, { limitMs: 80, ownWeight: 1, nowMs });
    const { weight, lately, latelyInTime } = neighbours;
    expect([weight, lately, latelyInTime].every(Number.isFinite)).toBe(true);
    const again = mergeInTime(message.summary, message.summary);
    expect(again.instances.flatMap(({ counts }) => counts.length)).toEqual(again.instances.map(() => BUCKETS));
    summaryText(again);
  };
  takesOrRefuses({ inputs: hostileJson([summary]), numRuns: INPUTS }, take, BadMessage);
  expect(nowMs).toBeGreaterThan(0);
});

it('mutated messages of a task of learning change no more than the task', () => {
  const offers = [
    { address: '10.0.0.1', fl: { role: 'client', port: 9100, costs: { g: 1 }, samples: { x: 10, y: 5 } } },
    { address: '10.0.0.2', fl: { role: 'global-aggregator', port: 9100, costs: {}, samples: {} } },
    { address: '10.0.0.3', fl: { role: 'aggregator', port: 9100, costs: { g: 2 }, samples: {} } },
  ];
  const configuration = {
    ...{ global: 'g', clusters: [{ aggregator: 'g', clients: ['c'] }], divergence: 0.1 },
    ...{ epochs: 2, localRounds: 3, costPerEpoch: 4 },
  };
  const state = {
    ...{ phase: 'training', reason: '', generation: 3, round: 7, accuracy: 0.5, loss: 1.5, spent: 10, configuration },
    ...{ rounds: [{ round: 7, accuracy: 0.5 }], ignored: [{ node: 'c', count: 1, reason: 'x' }] },
    snapshot: { round: 7, sha256: '0'.repeat(64), url: 'http://10.0.0.1:1/api/v1/fl/t/snapshot?key=k' },
  };
  const part = {
    ...{ generation: 1, role: 'client', parent: '10.0.0.2:9100', children: 0, epochs: 2, local_rounds: 3, round: 0 },
    snapshot_url: 'http://10.0.0.1:1/',
  };
  const progress = { generation: 3, round: 8, accuracy: 0.6, loss: 1, samples: 15 };
  const messages = [...offers, state, part, progress, { id: 'x', term: 3 }];
  const request = { strategy: 'min-kld', modelMb: 10, budget: 600, search: 'least', seed: 1 } as const;
  const ends = { rounds: null, accuracy: null, loss: null, cost: null };
  const reads = { state: 0, offer: 0, part: 0 };
  const take = (text: string): void => {
    const payload = Buffer.from(text);
    readClaim(payload);
    if ('value' in (readPart(payload) ?? {})) reads.part++;
    const board = new Offers(null);
    for (const [index, one] of [...offers.map((value) => Buffer.from(JSON.stringify(value))), payload].entries()) {
      const read = readOffer(['c', 'g', 'a', 'n'][index] ?? '', one);
      if (!('value' in read) || read.value === null) continue;
      board.set(read.value);
      reads.offer++;
    }
    const before = readState(payload);
    const restored = before !== null && 'value' in before ? before.value : null;
    if (restored !== null) reads.state++;
    const ignored = new Ignored(() => {});
    if (restored !== null) ignored.restore(restored.ignored);
    const options = { request, ends, settleMs: 0, generation: 3, snapshotRound: () => 0, find, ignored };
    const course = new Course(options, restored);
    course.nodesAre(
      board.topology(null, () => {}),
      false,
      0,
    );
    course.tick(1);
    const report = readProgress(payload);
    if (report !== null && 'value' in report) course.progress('g', report.value);
    course.tick(2);
    // What this controller says of it the next one reads.
    const { state: left } = course;
    const said = readState(Buffer.from(JSON.stringify({ ...left, snapshot: null })));
    expect(said).toHaveProperty('value');
  };
  takesOrRefuses({ inputs: hostileJson(messages), numRuns: INPUTS }, take, Nothing);
  expect(Math.min(reads.state, reads.offer, reads.part)).toBeGreaterThan(0);
});
