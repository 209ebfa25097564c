// How announcements of many sources become one placement, and what makes an instance go.

import { describe, expect, it } from 'vitest';
import type { Instance, Node } from '../../../src/core/domain.ts';
import type { ProbeTarget } from '../../../src/net/endpoint.ts';
import type { SyncScope } from '../../../src/placement/cache/claims.ts';
import { PlacementCache } from '../../../src/placement/cache/placement-cache.ts';
import type { PlacementMessage } from '../../../src/placement/messages/message.ts';
import { NO_LOAD } from '../../core/support.ts';
import { configFrom } from '../../support/config.ts';

const GRACE_MS = 30_000;
const EVERYTHING: SyncScope = { nodes: true, covers: () => true };

const instance = (nodeId: string, id: string, facts: Partial<Instance> = {}): Instance => ({
  service: 'pilotnet',
  nodeId,
  id,
  scheme: 'http',
  host: '10.0.0.1',
  port: 9000,
  labels: {},
  profile: null,
  ...facts,
});

const node = (id: string, facts: Partial<Node> = {}): Node => ({
  id,
  address: '10.0.0.1',
  probePort: 8080,
  tier: null,
  labels: {},
  boot: 'b1',
  load: null,
  ...facts,
});

/** A cache whose events are written down as one line each. */
function harness({
  instancesMax = 100,
  answeredMs,
}: {
  instancesMax?: number;
  answeredMs?: (service: string, key: string) => number;
} = {}) {
  const events: string[] = [];
  const targets = new Map<string, ProbeTarget | null>();
  let nowMs = 0;
  const cache = new PlacementCache({
    nodeId: 'self',
    nodeGraceMs: GRACE_MS,
    instancesMax,
    onUpdate: (service, update) => {
      if (update.kind === 'instance-set') {
        const { nodeId, id, port } = update.instance;
        events.push(`${service} set ${nodeId}/${id}:${port}`);
      } else if (update.kind === 'instance-removed') events.push(`${service} removed ${update.key}`);
      else events.push(`${service} ${update.availability} ${update.key}`);
    },
    onNode: (event) => events.push(`${event.kind} ${event.kind === 'node-set' ? event.node.id : event.nodeId}`),
    onTarget: (nodeId, target) => targets.set(nodeId, target),
    ...(answeredMs === undefined ? {} : { answeredMs }),
  });
  return {
    cache,
    targets,
    hear: (message: PlacementMessage, retained = false) => cache.apply(message, { nowMs, retained }),
    at: (ms: number) => {
      nowMs = ms;
      cache.presence.tick(ms);
    },
    sync: (since: number, scope = EVERYTHING) => cache.presence.endSync(since, scope, nowMs),
    events: () => events.splice(0),
    keys: () => cache.instances().map(({ key, availability }) => `${key} ${availability}`),
  };
}

const announced = (nodeId: string, id: string, facts: Partial<Instance> = {}, boot: string | null = 'b1') =>
  ({ kind: 'instance-set', instance: instance(nodeId, id, facts), boot }) as const;
const withdrawn = (nodeId: string, id: string) =>
  ({ kind: 'instance-cleared', service: 'pilotnet', nodeId, id }) as const;
const nodeSet = (id: string, facts: Partial<Node> = {}) => ({ kind: 'node-set', node: node(id, facts) }) as const;
const will = (nodeId: string) => ({ kind: 'node-cleared', nodeId }) as const;

describe('announcements', () => {
  it('reports an instance once, and each change', () => {
    const { hear, events } = harness();
    hear(announced('n1', 'a'));
    hear(announced('n1', 'a'));
    hear(announced('n1', 'a', { port: 9001 }));
    hear(withdrawn('n1', 'a'));
    hear(withdrawn('n1', 'a'));
    expect(events()).toEqual(['pilotnet set n1/a:9000', 'pilotnet set n1/a:9001', 'pilotnet removed n1/a']);
  });

  it('keeps an instance while any source claims it, and believes the config most', () => {
    const { cache, hear, events } = harness();
    hear({ kind: 'informer-set', instance: instance('n1', 'a', { port: 3 }), fresh: true });
    cache.claims.set('static', instance('n1', 'a', { port: 1 }), { nowMs: 0 });
    hear(announced('n1', 'a', { port: 2 }));
    cache.claims.remove('static', instance('n1', 'a'), 0);
    hear(withdrawn('n1', 'a'));
    hear({ kind: 'informer-cleared', service: 'pilotnet', nodeId: 'n1', id: 'a', final: true });
    expect(events()).toEqual([
      'pilotnet set n1/a:3',
      'pilotnet set n1/a:1',
      'pilotnet set n1/a:2',
      'pilotnet set n1/a:3',
      'pilotnet removed n1/a',
    ]);
  });

  it('refuses instances of a service beyond the bound, and takes one again when there is room', () => {
    const { hear, keys } = harness({ instancesMax: 2 });
    hear(announced('n1', 'a'));
    hear(announced('n1', 'b'));
    expect(hear(announced('n1', 'c'))).toBe('more than 2 instances of pilotnet (placement.instances_max)');
    expect(hear(announced('n1', 'a', { port: 1 }))).toBeNull();
    expect(hear(announced('n1', 'c', { service: 'other' }))).toBeNull();
    hear(withdrawn('n1', 'a'));
    expect(hear(announced('n1', 'c'))).toBeNull();
    expect(keys()).toEqual(['n1/b up', 'n1/c up', 'n1/c up']);
  });

  it('keeps the bound of the start over a reload, as routers do', () => {
    const { cache, hear } = harness({ instancesMax: 1 });
    hear(announced('n1', 'a'));
    const service = '[[service]]\nname = "pilotnet"\nqos.latency = "80ms"\n';
    cache.configure(configFrom(`[node]\nid = "n"\n[placement]\ninstances_max = 9\n${service}`).placement);
    expect(hear(announced('n1', 'b'))).toBe('more than 1 instances of pilotnet (placement.instances_max)');
  });

  it('reports a node when it says something new, and its load apart', () => {
    const { hear, events } = harness();
    const load = { ...NO_LOAD, cpuRatio: 0.5 };
    hear(nodeSet('n1'));
    hear(nodeSet('n1'));
    hear(nodeSet('n1', { load }));
    hear(nodeSet('n1', { load: { ...load } }));
    hear(nodeSet('n1', { load, tier: 'cloud' }));
    expect(events()).toEqual(['node-set n1', 'node-load n1', 'node-set n1']);
  });

  it('refuses nodes beyond the bound', () => {
    const { hear } = harness({ instancesMax: 1 });
    expect(hear(nodeSet('n1'))).toBeNull();
    expect(hear(nodeSet('n2'))).toBe('more than 1 nodes (placement.instances_max)');
  });

  it('forgets a service without a word', () => {
    const { cache, hear, events, keys } = harness();
    hear(announced('n1', 'a'));
    events();
    cache.claims.forgetService('pilotnet');
    expect(events()).toEqual([]);
    expect(keys()).toEqual([]);
  });
});

describe('a node that leaves', () => {
  it('makes its instances suspect, then drops them after the grace period', () => {
    const { cache, hear, at, events } = harness();
    hear(nodeSet('n1'));
    hear(announced('n1', 'a'));
    events();
    at(100_000);
    hear(will('n1'));
    expect(events()).toEqual(['node-lost n1', 'pilotnet suspect n1/a']);
    expect(cache.presence.nextTickMs).toBe(130_000);
    at(129_999);
    expect(events()).toEqual([]);
    at(130_000);
    expect(events()).toEqual(['node-removed n1', 'pilotnet removed n1/a']);
    expect(cache.presence.nextTickMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('has its instances back when it returns within the grace period', () => {
    const { hear, at, events } = harness();
    hear(nodeSet('n1'));
    hear(announced('n1', 'a'));
    hear(will('n1'));
    at(10_000);
    events();
    hear(nodeSet('n1'));
    expect(events()).toEqual(['node-set n1', 'pilotnet up n1/a']);
    at(60_000);
    expect(events()).toEqual([]);
  });

  it('has its instances back when it returns after it, since the broker still holds them', () => {
    const { hear, at, events } = harness();
    hear(nodeSet('n1'));
    hear(announced('n1', 'a'));
    hear(will('n1'));
    at(60_000);
    events();
    hear(nodeSet('n1'));
    expect(events()).toEqual(['node-set n1', 'pilotnet set n1/a:9000']);
  });

  it('does not take the static instances there with it', () => {
    const { cache, hear, at, keys } = harness();
    cache.claims.set('static', instance('n1', 's'), { nowMs: 0 });
    hear(nodeSet('n1'));
    hear(will('n1'));
    at(60_000);
    expect(keys()).toEqual(['n1/s up']);
  });

  it('is overruled by an instance that is announced after it left', () => {
    const { hear, at, keys } = harness();
    hear(nodeSet('n1'));
    hear(announced('n1', 'a'));
    hear(will('n1'));
    hear(announced('n1', 'a'), true);
    expect(keys()).toEqual(['n1/a suspect']);
    hear(announced('n1', 'a'));
    expect(keys()).toEqual(['n1/a up']);
    at(60_000);
    expect(keys()).toEqual(['n1/a up']);
  });

  it('is never this node itself', () => {
    const { cache, hear, keys } = harness();
    cache.claims.set('local', instance('self', 'a'), { nowMs: 0 });
    hear(announced('self', 'b', {}, null));
    hear(nodeSet('self'));
    hear(will('self'));
    expect(keys()).toEqual(['self/a up', 'self/b up']);
  });

  it('holds instances of an earlier boot suspect until they are announced again', () => {
    const { hear, at, events, keys } = harness();
    hear(nodeSet('n1', { boot: 'b1' }));
    hear(announced('n1', 'a', {}, 'b1'));
    hear(announced('n1', 'b', {}, 'b1'));
    hear(announced('n1', 'c', {}, null));
    at(1_000);
    hear(nodeSet('n1', { boot: 'b2' }));
    hear(announced('n1', 'a', {}, 'b2'));
    expect(keys()).toEqual(['n1/a up', 'n1/b suspect', 'n1/c up']);
    events();
    at(31_000);
    expect(events()).toEqual(['pilotnet removed n1/b']);
  });
});

describe('a snapshot after a reconnect', () => {
  it('removes what the broker no longer holds of a node that it does hold', () => {
    const { cache, hear, sync, keys } = harness();
    hear(nodeSet('n1'));
    hear(announced('n1', 'a'));
    hear(announced('n1', 'b'));
    const since = cache.presence.beginSync();
    hear(nodeSet('n1'), true);
    hear(announced('n1', 'b'), true);
    sync(since);
    expect(keys()).toEqual(['n1/b up']);
  });

  it('changes nothing when the broker remembers nothing at all', () => {
    const { cache, hear, sync, at, keys } = harness();
    hear(nodeSet('n1'));
    hear(announced('n1', 'a'));
    hear(announced('n2', 'a', {}, null));
    sync(cache.presence.beginSync());
    at(100_000);
    expect(keys()).toEqual(['n1/a up', 'n2/a up']);
  });

  it('gives a node that is missing the grace period to speak up, without doubting it meanwhile', () => {
    const { cache, hear, sync, at, events, keys } = harness();
    for (const id of ['n1', 'n2', 'n3']) {
      hear(nodeSet(id));
      hear(announced(id, 'a'));
    }
    const since = cache.presence.beginSync();
    hear(nodeSet('n1'), true);
    hear(announced('n1', 'a'), true);
    sync(since);
    expect(keys()).toEqual(['n1/a up', 'n2/a up', 'n3/a up']);
    at(5_000);
    hear(announced('n2', 'a'));
    hear(nodeSet('n2'));
    events();
    at(30_000);
    expect(events()).toEqual(['node-removed n3', 'pilotnet removed n3/a']);
    expect(keys()).toEqual(['n1/a up', 'n2/a up']);
  });

  it('drops what a missing node does not announce again within the grace period', () => {
    const { cache, hear, sync, at, keys } = harness();
    hear(nodeSet('other'));
    hear(nodeSet('n1'));
    hear(announced('n1', 'a'));
    hear(announced('n1', 'b'));
    const since = cache.presence.beginSync();
    hear(nodeSet('other'), true);
    sync(since);
    hear(announced('n1', 'a'));
    hear(nodeSet('n1'));
    at(30_000);
    expect(keys()).toEqual(['n1/a up']);
  });

  it('takes a node that is missing while its instances are not for one whose will fired unheard', () => {
    const { cache, hear, sync, at, events } = harness();
    hear(nodeSet('n1'));
    hear(announced('n1', 'a'));
    const since = cache.presence.beginSync();
    hear(announced('n1', 'a'), true);
    events();
    sync(since);
    expect(events()).toEqual(['node-lost n1', 'pilotnet suspect n1/a']);
    at(30_000);
    expect(events()).toEqual(['node-removed n1', 'pilotnet removed n1/a']);
  });

  it('believes a dead node no more for being met for the first time', () => {
    const { cache, hear, sync, keys } = harness();
    const since = cache.presence.beginSync();
    hear(announced('dead', 'a', {}, 'b0'), true);
    hear(announced('by-hand', 'a', {}, null), true);
    sync(since);
    expect(keys()).toEqual(['dead/a suspect', 'by-hand/a up']);
  });

  it('of one node touches that node alone', () => {
    const { cache, hear, sync, keys } = harness();
    hear(nodeSet('n1'));
    hear(nodeSet('n2'));
    hear(announced('n1', 'a'));
    hear(announced('n2', 'a'));
    sync(cache.presence.beginSync(), { nodes: false, covers: (nodeId) => nodeId === 'n1' });
    expect(keys()).toEqual(['n2/a up']);
  });

  it('does not touch what other sources say', () => {
    const { cache, hear, sync, at, keys } = harness();
    cache.claims.set('static', instance('n1', 's'), { nowMs: 0 });
    hear({ kind: 'informer-set', instance: instance('n1', 'i'), fresh: true });
    hear(nodeSet('n2'));
    const since = cache.presence.beginSync();
    hear(nodeSet('n2'), true);
    sync(since);
    at(60_000);
    expect(keys()).toEqual(['n1/s up', 'n1/i up']);
  });
});

describe('a broker that ends', () => {
  const fleet = (options?: Parameters<typeof harness>[0]) => {
    const made = harness(options);
    for (const id of ['n1', 'n2', 'n3']) {
      made.hear(nodeSet(id));
      made.hear(announced(id, 'a'));
    }
    made.events();
    return made;
  };

  it('voids what it said in its last moments, and lets no grace period run while it is away', () => {
    const { cache, hear, at, keys } = fleet();
    at(10_000);
    hear(will('n1'));
    hear(withdrawn('n2', 'a'));
    expect(keys()).toEqual(['n1/a suspect', 'n3/a up']);
    cache.presence.brokerLost({ nowMs: 10_500, heardMs: 10_010 });
    expect(keys().sort()).toEqual(['n1/a up', 'n2/a up', 'n3/a up']);
    at(1_000_000);
    expect(keys()).toHaveLength(3);
    expect(cache.presence.nextTickMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('does not void what it said well before', () => {
    const { cache, hear, at, keys } = fleet();
    hear(withdrawn('n2', 'a'));
    hear(will('n1'));
    at(10_000);
    cache.presence.brokerLost({ nowMs: 10_000, heardMs: 10_000 });
    expect(keys()).toEqual(['n1/a suspect', 'n3/a up']);
    at(500_000);
    cache.presence.brokerBack(510_000);
    at(529_999);
    expect(keys()).toEqual(['n1/a suspect', 'n3/a up']);
    at(530_000);
    expect(keys()).toEqual(['n3/a up']);
  });

  it('is not believed when it comes back with instances whose nodes it lost by its own stop', () => {
    const { cache, hear, sync, at, keys } = fleet();
    cache.presence.brokerLost({ nowMs: 1_000, heardMs: 1_000 });
    cache.presence.brokerBack(4_000);
    const since = cache.presence.beginSync();
    hear(announced('n1', 'a'), true);
    hear(announced('n2', 'a'), true);
    hear(announced('n3', 'a'), true);
    hear(nodeSet('n3'), true);
    at(6_000);
    sync(since);
    expect(keys()).toEqual(['n1/a up', 'n2/a up', 'n3/a up']);
    at(7_000);
    hear(nodeSet('n1'));
    at(36_000);
    expect(keys()).toEqual(['n1/a up', 'n3/a up']);
  });

  it('takes no node along because what it forgot is listened to again', () => {
    const { cache, sync, keys } = fleet();
    cache.presence.brokerLost({ nowMs: 1_000, heardMs: 1_000 });
    cache.presence.brokerBack(4_000);
    sync(cache.presence.beginSync());
    sync(cache.presence.beginSync(), { nodes: false, covers: () => true });
    expect(keys()).toHaveLength(3);
  });
});

describe('nodes that leave together', () => {
  it('are not doubted while their grace period runs, as it may be the doing of the broker', () => {
    const { hear, at, keys } = harness();
    const ids = ['n1', 'n2', 'n3', 'n4'];
    for (const id of ids) {
      hear(nodeSet(id));
      hear(announced(id, 'a'));
    }
    for (const id of ids.slice(0, 2)) hear(will(id));
    expect(keys()).toEqual(['n1/a suspect', 'n2/a suspect', 'n3/a up', 'n4/a up']);
    at(1_000);
    hear(will('n3'));
    expect(keys()).toEqual(['n1/a up', 'n2/a up', 'n3/a up', 'n4/a up']);
    hear(will('n4'));
    expect(keys()).toContain('n4/a up');
    at(31_000);
    expect(keys()).toEqual([]);
  });

  it('are doubted one by one when they leave one by one', () => {
    const { hear, at, keys } = harness();
    const ids = ['n1', 'n2', 'n3'];
    for (const id of ids) {
      hear(nodeSet(id));
      hear(announced(id, 'a'));
    }
    ids.forEach((id, i) => {
      at(i * 6_000);
      hear(will(id));
    });
    expect(keys()).toEqual(['n1/a suspect', 'n2/a suspect', 'n3/a suspect']);
  });
});

describe('a node whose will fired', () => {
  it('counts as alive while it answers probes, and has its grace period from the last answer on', () => {
    const { cache, hear, at, events, keys } = harness();
    hear(nodeSet('n1'));
    hear(announced('n1', 'a'));
    at(1_000);
    hear(will('n1'));
    at(3_000);
    cache.presence.nodeAnswered('n1', 3_000);
    expect(keys()).toEqual(['n1/a up']);
    at(20_000);
    cache.presence.nodeAnswered('n1', 20_000);
    at(49_999);
    expect(keys()).toEqual(['n1/a up']);
    events();
    at(50_000);
    expect(events()).toEqual(['node-removed n1', 'pilotnet removed n1/a']);
  });

  it('counts as alive while an instance of it answers requests', () => {
    let answeredMs = Number.NEGATIVE_INFINITY;
    const { cache, hear, at, keys } = harness({ answeredMs: () => answeredMs });
    hear(nodeSet('n1'));
    hear(announced('n1', 'a'));
    at(1_000);
    hear(will('n1'));
    expect(keys()).toEqual(['n1/a suspect']);
    expect(cache.presence.nextTickMs).toBe(2_000);
    answeredMs = 1_500;
    at(2_000);
    expect(keys()).toEqual(['n1/a up']);
    answeredMs = 30_000;
    for (let ms = 3_000; ms < 60_000; ms += 1_000) at(ms);
    expect(keys()).toEqual(['n1/a up']);
    at(60_000);
    expect(keys()).toEqual([]);
  });
});

describe('reach', () => {
  it('makes instances that are no longer listened to suspect until they are heard of again', () => {
    const { cache, hear, keys } = harness();
    hear(nodeSet('n1'));
    hear(announced('n1', 'a'));
    cache.claims.leaveReach('n1', 'pilotnet', 0);
    expect(keys()).toEqual(['n1/a suspect']);
    hear(announced('n1', 'a'), true);
    expect(keys()).toEqual(['n1/a up']);
  });
});

describe("the informer's events", () => {
  const added = (id: string, port = 8080) =>
    ({ kind: 'informer-set', instance: instance('n1', id, { port }), fresh: true }) as const;
  const running = (id: string, port = 8080) => ({ ...added(id, port), fresh: false }) as const;
  const pending = (id: string) => ({ kind: 'informer-pending', service: 'pilotnet', nodeId: 'n1', id }) as const;
  const ended = (id: string, final: boolean) =>
    ({ kind: 'informer-cleared', service: 'pilotnet', nodeId: 'n1', id, final }) as const;

  it('are waited for until there is an address', () => {
    const { hear, events } = harness();
    hear(pending('p'));
    expect(events()).toEqual([]);
    hear(running('p'));
    hear(pending('p'));
    hear(running('p'));
    expect(events()).toEqual(['pilotnet set n1/p:8080']);
  });

  it('bring a stopped instance back when it runs again', () => {
    const { hear, events } = harness();
    hear(running('p'));
    hear(ended('p', false));
    hear(running('p'));
    expect(events()).toEqual(['pilotnet set n1/p:8080', 'pilotnet removed n1/p', 'pilotnet set n1/p:8080']);
  });

  it('do not raise a removed instance by a late duplicate, but do by a new life', () => {
    const { hear, at, keys } = harness();
    hear(running('p'));
    hear(ended('p', true));
    hear(running('p'));
    expect(keys()).toEqual([]);
    hear(added('p'));
    expect(keys()).toEqual(['n1/p up']);
    hear(ended('p', true));
    at(10_000);
    hear(running('p'));
    expect(keys()).toEqual(['n1/p up']);
  });
});

describe('probe targets', () => {
  it('are the qedge of a node, or else its instances', () => {
    const { cache, hear, targets } = harness();
    hear(announced('n1', 'a', { port: 1 }, null));
    hear(announced('n1', 'b', { port: 2 }, null));
    expect(targets.get('n1')).toEqual({
      ping: null,
      connect: [
        { host: '10.0.0.1', port: 1 },
        { host: '10.0.0.1', port: 2 },
      ],
    });
    hear(nodeSet('n1'));
    expect(targets.get('n1')).toEqual({ ping: { host: '10.0.0.1', port: 8080 }, connect: [] });
    cache.claims.set('local', instance('self', 'x', { port: 3 }), { nowMs: 0 });
    expect(targets.get('self')).toEqual({ ping: null, connect: [{ host: '10.0.0.1', port: 3 }] });
  });

  it('are a TCP connect where the qedge of a node speaks TLS', () => {
    const { hear, targets } = harness();
    hear(nodeSet('n1'));
    hear(nodeSet('n1', { probeTls: true }));
    expect(targets.get('n1')).toEqual({ ping: null, connect: [{ host: '10.0.0.1', port: 8080 }] });
  });

  it('end when nothing is left there', () => {
    const { hear, at, targets } = harness();
    hear(nodeSet('n1'));
    hear(announced('n1', 'a'));
    hear(will('n1'));
    at(30_000);
    expect(targets.get('n1')).toBeNull();
  });
});

describe('an export', () => {
  it('comes back whole, and the next snapshot corrects it', () => {
    const first = harness();
    first.hear(nodeSet('n1'));
    first.hear(nodeSet('n2'));
    first.hear(announced('n1', 'a'));
    first.hear(announced('n1', 'b'));
    first.hear(announced('n2', 'a'));
    first.hear({ kind: 'informer-set', instance: instance('n3', 'i'), fresh: true });
    first.at(1_000);
    first.hear(will('n2'));
    first.at(6_000);
    const saved = JSON.parse(JSON.stringify(first.cache.export(6_000)));

    const second = harness();
    second.at(500);
    second.cache.import(saved, { ageMs: 10_000, nowMs: 500 });
    expect(second.keys()).toEqual(['n1/a up', 'n1/b up', 'n2/a suspect', 'n3/i up']);
    expect(second.targets.get('n1')).toEqual({ ping: { host: '10.0.0.1', port: 8080 }, connect: [] });
    const since = second.cache.presence.beginSync();
    second.hear(nodeSet('n1'), true);
    second.hear(announced('n1', 'a'), true);
    second.sync(since);
    expect(second.keys()).toEqual(['n1/a up', 'n2/a suspect', 'n3/i up']);
    // Lost 5 s before the export, which was 10 s old: 15 s of the grace period are left.
    second.at(15_499);
    expect(second.keys()).toContain('n2/a suspect');
    second.at(15_500);
    expect(second.keys()).toEqual(['n1/a up', 'n3/i up']);
  });
});
