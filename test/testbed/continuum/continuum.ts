// The continuum as processes: a host for each node with its qedge, its clients and perhaps an instance, one for the broker, and the
// network between them. It does with them what the timeline of the world says.

import { setTimeout as delay } from 'node:timers/promises';
import type { Scenario } from '../../../src/sim/scenario.ts';
import type { Change } from '../../../src/sim/world/change.ts';
import { SERVICE } from '../../../src/sim/world/instance.ts';
import type { World } from '../../../src/sim/world/world.ts';
import type { SentRequest } from './clients.ts';
import { clockMs } from './clock.ts';
import { type Host, Network, type Span } from './network.ts';
import { BrokerPart, ClientsPart, InstancePart } from './parts.ts';
import { PROXY_PORT, QedgeNode, type QedgeUse } from './qedge-node.ts';
import { merged, type Stalls } from './results.ts';

/** Round trip from every node to the broker, ms: it stands in a cloud. */
const BROKER_RTT_MS = 40;
/** All are announced and have measured each other. */
const SETTLE_MS = 6_000;
/** Clients begin in step. */
const LEAD_MS = 500;
const QEDGE_WATCH_MS = 20;

export interface ContinuumOptions {
  readonly scenario: Scenario;
  readonly world: World;
  readonly seed: number;
  readonly policy: string;
  /** Program and first arguments of qedge. */
  readonly command: readonly string[];
  readonly folder: string;
  readonly say: (text: string) => void;
}

/** What a run left behind. */
export interface RunRecord {
  readonly requests: readonly SentRequest[];
  readonly stalls: Stalls;
  /** What each qedge used over the run. */
  readonly uses: readonly QedgeUse[];
}

export class Continuum {
  readonly #options: ContinuumOptions;
  readonly #network: Network;
  readonly #wireStalls: Span[];
  readonly #broker: BrokerPart;
  /** One for each node: without clients it announces the instance there. */
  readonly #qedges: readonly QedgeNode[];
  readonly #clients: readonly ClientsPart[];
  readonly #instances: readonly InstancePart[];
  readonly #qedgeStalls: readonly Span[][];
  /** What events added to the way to each node, ms. */
  readonly #addedMs: number[];
  readonly #faults: Promise<void>[] = [];

  private constructor(options: ContinuumOptions, network: Network, wireStalls: Span[]) {
    const { world, seed, folder } = options;
    this.#options = options;
    this.#network = network;
    this.#wireStalls = wireStalls;
    this.#addedMs = world.topology.nodes.map(() => 0);
    const broker = this.#host(world.topology.nodes.length);
    this.#broker = new BrokerPart(broker, folder);
    const brokerAddress = broker.address;
    this.#qedges = world.topology.nodes.map(
      (nodeId, node) => new QedgeNode({ ...options, nodeId, host: this.#host(node), brokerAddress }),
    );
    this.#qedgeStalls = this.#qedges.map(() => []);
    this.#clients = world.balancers.map((node) => new ClientsPart(this.#host(node)));
    this.#instances = world.instances.map(
      ({ node }, i) => new InstancePart(world, i, { host: this.#host(node), seed }),
    );
  }

  /** Everything runs, and every qedge has had time to hear of it. */
  static async start(options: ContinuumOptions): Promise<Continuum> {
    const { world, scenario, say } = options;
    const wireStalls: Span[] = [];
    const network = await Network.create({
      hosts: world.topology.nodes.length + 1,
      // Half of a round trip.
      jitterMs: scenario.network.jitterMs / 2,
      onLate: (span) => wireStalls.push(span),
    });
    const continuum = new Continuum(options, network, wireStalls);
    continuum.#setWays(world.topology.nodes.map((_, node) => node));
    await continuum.#broker.start();
    say('instances and qedges start');
    await Promise.all(world.instances.map(({ fromStart }, i) => (fromStart ? continuum.#up(i) : null)));
    for (const [i, { fromStart }] of world.instances.entries()) if (fromStart) continuum.#announce(i, true);
    await Promise.all(continuum.#qedges.map((qedge) => qedge.start()));
    await delay(SETTLE_MS);
    return continuum;
  }

  /** The whole timeline. */
  async run(): Promise<RunRecord> {
    const { scenario, world, seed, say } = this.#options;
    const before = this.#qedges.map((qedge) => qedge.use());
    const startMs = clockMs() + LEAD_MS;
    const watch = setInterval(() => this.#watchQedges(), QEDGE_WATCH_MS);
    for (const [b, clients] of this.#clients.entries()) {
      clients.begin({
        clients: world.clients.flatMap((client, index) => (client.balancer === b ? [{ ...client, index }] : [])),
        startMs,
        seed,
        port: PROXY_PORT,
        service: SERVICE,
        patienceMs: 2 * scenario.network.timeoutMs,
      });
    }
    for (const { atMs, change } of world.timeline) {
      await delay(Math.max(0, startMs + atMs - clockMs()));
      say(`${(atMs / 1_000).toFixed(0)} s: ${change.kind}`);
      this.#apply(change, atMs);
    }
    await delay(Math.max(0, startMs + scenario.durationMs - clockMs()));
    await Promise.all(this.#faults);
    // The last answers, and the reports of them.
    await delay(2 * scenario.network.timeoutMs + 1_500);
    clearInterval(watch);
    const uses = this.#qedges.map((qedge, node) => {
      const { cpuS, residentMb } = qedge.use();
      return { cpuS: cpuS - (before[node]?.cpuS ?? 0), residentMb };
    });
    return {
      requests: this.#clients.flatMap(({ requests }) => requests),
      stalls: this.#stallsSince(startMs, this.#wireStalls),
      uses,
    };
  }

  #stallsSince(startMs: number, everywhere: readonly Span[]): Stalls {
    const since = (spans: readonly Span[]): readonly Span[] =>
      merged(spans.map(({ fromMs, toMs }) => ({ fromMs: fromMs - startMs, toMs: toMs - startMs })));
    return {
      everywhere: since(everywhere),
      ofBalancer: this.#clients.map(({ stalls }, b) =>
        since([...stalls, ...(this.#qedgeStalls[this.#nodeOf(b)] ?? [])]),
      ),
      ofInstance: new Map(this.#instances.map(({ key, stalls }) => [key, since(stalls)])),
    };
  }

  #watchQedges(): void {
    for (const [node, qedge] of this.#qedges.entries()) {
      const span = qedge.takeStall();
      if (span !== null) this.#qedgeStalls[node]?.push(span);
    }
  }

  #apply(change: Change, atMs: number): void {
    switch (change.kind) {
      case 'up':
        this.#later(this.#up(change.instance));
        break;
      case 'down':
        this.#instances[change.instance]?.kill();
        break;
      case 'announce':
        this.#announce(change.instance, true);
        break;
      case 'withdraw':
        this.#announce(change.instance, false);
        break;
      case 'freeze':
        this.#instances[change.instance]?.freeze(1);
        break;
      case 'thaw':
        this.#instances[change.instance]?.freeze(-1);
        break;
      case 'link':
        this.#lengthen(change.instance, change.addMs);
        break;
      case 'broker':
        this.#later(this.#broker.fail(change.how, change.untilMs - atMs));
        break;
      case 'restart':
        for (const b of change.balancers) this.#later(this.#qedges[this.#nodeOf(b)]?.restart(change.state));
        break;
      case 'slow':
      case 'delay':
      case 'errors':
        this.#instances[change.instance]?.change(change);
        break;
      // A store keeps what was learned all the time; and no uplink is built.
      case 'keep':
      case 'uplink':
        break;
    }
  }

  #later(fault: Promise<void> | undefined): void {
    if (fault === undefined) return;
    this.#faults.push(fault);
    // One that goes wrong is reported when all are awaited.
    fault.catch(() => {});
  }

  async #up(i: number): Promise<void> {
    await this.#instances[i]?.start();
  }

  #announce(i: number, isThere: boolean): void {
    const { node = -1, id = '' } = this.#options.world.instances[i] ?? {};
    this.#qedges[node]?.announce(id, isThere);
  }

  #lengthen(instance: number, addMs: number): void {
    const node = this.#options.world.instances[instance]?.node ?? 0;
    this.#addedMs[node] = (this.#addedMs[node] ?? 0) + addMs;
    this.#setWays([node]);
  }

  /** Sets the ways of these nodes to all others, and to the broker. */
  #setWays(nodes: readonly number[]): void {
    const { rttMs, nodes: names } = this.#options.world.topology;
    for (const one of nodes) {
      for (let other = 0; other < names.length; other++) {
        if (other === one) continue;
        const addedMs = (this.#addedMs[one] ?? 0) + (this.#addedMs[other] ?? 0);
        this.#network.setWay(one, other, ((rttMs[one * names.length + other] as number) + addedMs) / 2);
      }
      this.#network.setWay(one, names.length, (BROKER_RTT_MS + (this.#addedMs[one] ?? 0)) / 2);
    }
  }

  #nodeOf(balancer: number): number {
    return this.#options.world.balancers[balancer] ?? -1;
  }

  #host(index: number): Host {
    return this.#network.hosts[index] as Host;
  }
}
