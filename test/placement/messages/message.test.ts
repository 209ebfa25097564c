// What messages say, and what makes them be refused.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAddressPolicy } from '../../../src/placement/address-policy.ts';
import { encodeInstance, encodeNode } from '../../../src/placement/messages/announcement.ts';
import { BadMessage, PAYLOAD_BYTES_MAX } from '../../../src/placement/messages/bad-message.ts';
import { parseMessage } from '../../../src/placement/messages/message.ts';
import { instanceTopic, nodeTopic } from '../../../src/placement/messages/topics.ts';

const context = {
  prefix: 'qedge/v1',
  nodeId: 'self',
  addresses: createAddressPolicy({ allow: ['10.0.0.0/8'], ownListeners: () => [], localAddresses: () => [] }),
};
const NODE = 'qedge/v1/nodes/pi-7';
const INSTANCE = `${NODE}/services/pilotnet/instances/a`;
const INFORMER = 'changes/node/pi-7/service/pilotnet/instance/pod-1';

const parse = (topic: string, payload: unknown) =>
  parseMessage(
    { topic, payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)) },
    context,
  );

function refusal(topic: string, payload: unknown): string {
  try {
    parse(topic, payload);
  } catch (error) {
    if (error instanceof BadMessage) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

describe('native topics', () => {
  it('reads a node in full', () => {
    const payload = {
      address: '10.0.0.7',
      probe_port: 8080,
      tier: 'far-edge',
      labels: { zone: 'a' },
      boot: 'b1',
      load: { cpu: 0.5, memory: 0.25, temperature_c: 61.5, throttled: true, power: 'battery', battery: 0.4 },
    };
    expect(parse(NODE, payload)).toEqual({
      kind: 'node-set',
      node: {
        id: 'pi-7',
        address: '10.0.0.7',
        probePort: 8080,
        tier: 'far-edge',
        labels: { zone: 'a' },
        boot: 'b1',
        load: {
          cpuRatio: 0.5,
          memoryRatio: 0.25,
          temperatureC: 61.5,
          throttled: true,
          power: 'battery',
          batteryRatio: 0.4,
        },
      },
    });
  });

  it('takes a node that says nothing but that it is there', () => {
    expect(parse(NODE, {})).toEqual({
      kind: 'node-set',
      node: { id: 'pi-7', address: null, probePort: null, tier: null, labels: {}, boot: null, load: null },
    });
  });

  it('reads an instance, http by default', () => {
    expect(parse(INSTANCE, { host: '10.0.0.7', port: 9000, profile: { energy: [1] } })).toEqual({
      kind: 'instance-set',
      boot: null,
      instance: {
        service: 'pilotnet',
        nodeId: 'pi-7',
        id: 'a',
        scheme: 'http',
        host: '10.0.0.7',
        port: 9000,
        labels: {},
        profile: { energy: [1] },
      },
    });
  });

  it('takes an empty payload as gone', () => {
    expect(parse(NODE, '')).toEqual({ kind: 'node-cleared', nodeId: 'pi-7' });
    expect(parse(INSTANCE, '')).toEqual({ kind: 'instance-cleared', service: 'pilotnet', nodeId: 'pi-7', id: 'a' });
  });

  it('reads back every node and instance that qedge writes', () => {
    const text = fc.string({ minLength: 1, maxLength: 20 });
    const labels = fc.dictionary(text, text, { maxKeys: 5 });
    const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
    const ratio = maybe(fc.double({ min: 0, max: 1, noNaN: true }).map((x) => x + 0));
    const load = fc.record({
      cpuRatio: ratio,
      memoryRatio: ratio,
      temperatureC: ratio,
      throttled: maybe(fc.boolean()),
      power: maybe(fc.constantFrom('mains' as const, 'battery' as const)),
      batteryRatio: ratio,
    });
    const nodes = fc.record({
      id: fc.constant('n1'),
      address: maybe(fc.constant('10.0.0.7')),
      probePort: maybe(fc.integer({ min: 1, max: 65_535 })),
      tier: maybe(fc.constantFrom('far-edge' as const, 'near-edge' as const, 'cloud' as const)),
      labels,
      boot: maybe(text),
      load: maybe(load),
    });
    const instances = fc.record({
      service: fc.constant('s'),
      nodeId: fc.constant('n1'),
      id: fc.constant('i'),
      scheme: fc.constantFrom('http' as const, 'https' as const, 'h2c' as const),
      host: fc.constant('10.0.0.7'),
      port: fc.integer({ min: 1, max: 65_535 }),
      labels,
      profile: maybe(
        fc.dictionary(
          text,
          fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0),
        ),
      ),
    });
    fc.assert(
      fc.property(nodes, instances, maybe(text), (node, instance, boot) => {
        expect(parse(nodeTopic('qedge/v1', 'n1'), encodeNode(node, null))).toEqual({ kind: 'node-set', node });
        const topic = instanceTopic('qedge/v1', { nodeId: 'n1', service: 's', id: 'i' });
        expect(parse(topic, encodeInstance(instance, boot))).toEqual({ kind: 'instance-set', instance, boot });
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it.each([
    [INSTANCE, 'not json', 'json: payload is not JSON: "not json"'],
    [INSTANCE, [1], 'json: payload is not a JSON object: [1]'],
    [INSTANCE, 'null', 'json: payload is not a JSON object: null'],
    [INSTANCE, { port: 1 }, 'type: host is not a text of 1 to 256 characters: nothing'],
    [INSTANCE, { host: 7, port: 1 }, 'type: host is not a text of 1 to 256 characters: 7'],
    [INSTANCE, { host: 'db.internal', port: 1 }, 'address: host "db.internal" is not an IPv4 or IPv6 address'],
    [INSTANCE, { host: '10.0.0.1' }, 'type: port is not a number: nothing'],
    [INSTANCE, { host: '10.0.0.1', port: '80' }, 'type: port is not a number: "80"'],
    [INSTANCE, { host: '10.0.0.1', port: 0 }, 'port: port 0 is not a port (1 to 65535)'],
    [INSTANCE, { host: '10.0.0.1', port: 65_536 }, 'port: port 65536 is not a port (1 to 65535)'],
    [INSTANCE, { host: '10.0.0.1', port: 80.5 }, 'port: port 80.5 is not a port (1 to 65535)'],
    [INSTANCE, { host: '8.8.8.8', port: 53 }, 'address: address 8.8.8.8 is outside placement.allow'],
    [INSTANCE, { host: '169.254.169.254', port: 80 }, 'address: address 169.254.169.254 is link-local (RFC 3927)'],
    [INSTANCE, { host: '10.0.0.1', port: 1, scheme: 'ftp' }, 'type: scheme is not one of http, https, h2c: "ftp"'],
    [INSTANCE, { host: '10.0.0.1', port: 1, labels: [] }, 'type: labels is not an object: []'],
    [INSTANCE, { host: '10.0.0.1', port: 1, labels: { a: 1 } }, 'type: label "a" is not a text of at most 256: 1'],
    [INSTANCE, { host: '10.0.0.1', port: 1, profile: 'fast' }, 'type: profile is not an object: "fast"'],
    [INSTANCE, { host: '10.0.0.1', port: 1, boot: 5 }, 'type: boot is not a text of 1 to 256 characters: 5'],
    [NODE, { address: '127.0.0.1' }, 'address: address 127.0.0.1 is outside placement.allow'],
    [NODE, { tier: 'moon' }, 'type: tier is not one of far-edge, near-edge, cloud: "moon"'],
    [NODE, { probe_port: -1 }, 'port: probe_port -1 is not a port (1 to 65535)'],
    [NODE, { pressure: { cpu: 'high' } }, 'type: load.cpu is not a number: "high"'],
    [NODE, { load: { cpu: 'high' } }, 'type: load.cpu is not a number: "high"'],
    [NODE, '{"load":{"cpu":1e999}}', 'type: load.cpu is not a number: null'],
    [`${NODE}/services/pilotnet`, '{}', 'topic: topic "qedge/v1/nodes/pi-7/services/pilotnet" has no known form'],
    ['qedge/v1/nodes/a b', '{}', 'topic: topic "qedge/v1/nodes/a b" has no known form'],
    ['qedge/v1/nodes/', '{}', 'topic: topic "qedge/v1/nodes/" has no known form'],
    ['qedge/v1/nodes/-x', '{}', 'topic: topic "qedge/v1/nodes/-x" has no known form'],
  ])('refuses %s with %j', (topic, payload, reason) => {
    expect(refusal(topic, payload)).toBe(reason);
  });

  it('refuses a payload over 16 KiB unread, and one that is not UTF-8', () => {
    expect(refusal(INSTANCE, 'x'.repeat(PAYLOAD_BYTES_MAX + 1))).toBe('size: payload has 16385 bytes, more than 16384');
    const invalid = { topic: INSTANCE, payload: Uint8Array.from([0x7b, 0xff, 0x7d]) };
    expect(() => parseMessage(invalid, context)).toThrow(/^payload is not UTF-8/);
  });

  it('refuses more than 64 labels', () => {
    const labels = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`l${i}`, '']));
    expect(refusal(INSTANCE, { host: '10.0.0.1', port: 1, labels })).toBe('limit: 65 labels, more than 64');
  });

  it('keeps a label named __proto__ as a label', () => {
    const message = parse(INSTANCE, '{"host":"10.0.0.1","port":1,"labels":{"__proto__":"x"}}');
    expect(message.kind === 'instance-set' && Object.entries(message.instance.labels)).toEqual([['__proto__', 'x']]);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it('throws nothing but BadMessage, for any text', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(NODE, INSTANCE, INFORMER, 'x'),
        fc.oneof(fc.json(), fc.string()),
        (topic, payload) => {
          expect(refusal(topic, payload)).toBeTypeOf('string');
        },
      ),
      { seed: 7, numRuns: 500 },
    );
  });
});

describe('informer topics', () => {
  const data = { ipAddress: '10.42.0.12', port: 8080 };

  it.each([
    ['INSTANCE_ADDED', true],
    ['INSTANCE_RUNNING', false],
  ])('takes %s with an address as an instance', (type, fresh) => {
    expect(parse(INFORMER, { type, messageData: data })).toEqual({
      kind: 'informer-set',
      fresh,
      instance: {
        service: 'pilotnet',
        nodeId: 'pi-7',
        id: 'pod-1',
        scheme: 'http',
        host: '10.42.0.12',
        port: 8080,
        labels: {},
        profile: null,
      },
    });
  });

  it.each([{ ipAddress: '', port: 8080 }, { ipAddress: '', port: 0 }, null, undefined])(
    'waits while the address is missing: %j',
    (messageData) => {
      expect(parse(INFORMER, { type: 'INSTANCE_ADDED', messageData }).kind).toBe('informer-pending');
    },
  );

  it.each([
    ['INSTANCE_STOPPED', false],
    ['INSTANCE_REMOVED', true],
  ])('takes %s as gone', (type, final) => {
    expect(parse(INFORMER, { type, messageData: null })).toMatchObject({ kind: 'informer-cleared', final });
  });

  it.each([
    ['', 'json: payload is empty'],
    [{ messageData: data }, 'type: type is missing: {"messageData":{"ipAddress":"10.42.0.12","port":8080}}'],
    [
      { type: 'INSTANCE_GONE' },
      'type: type is not one of INSTANCE_ADDED, INSTANCE_RUNNING, INSTANCE_STOPPED, INSTANCE_REMOVED: "INSTANCE_GONE"',
    ],
    [
      { type: 'INSTANCE_RUNNING', messageData: { ipAddress: '1.1.1.1', port: 1 } },
      'address: address 1.1.1.1 is outside placement.allow',
    ],
    [{ type: 'INSTANCE_RUNNING', messageData: { ipAddress: '10.0.0.1' } }, 'type: port is not a number: nothing'],
    [{ type: 'INSTANCE_RUNNING', messageData: 'x' }, 'type: messageData is not an object: "x"'],
  ])('refuses %j', (payload, reason) => {
    expect(refusal(INFORMER, payload)).toBe(reason);
  });
});
