// The demo of federated learning: the nine nodes of AIoTwin D1.3 on one machine, each with an agent and a process that really trains; a
// controller, and a node that leaves on the way.

import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MqttConfig } from '../config/config.ts';
import { section } from '../config/key.ts';
import { mqttKeys } from '../config/schema/mqtt.ts';
import { createAddressPolicy } from '../placement/address-policy.ts';
import { encodeNode } from '../placement/messages/announcement.ts';
import { nodeTopic } from '../placement/messages/topics.ts';
import { type ConfigurationRequest, configure } from '../plan/learning/configuration.ts';
import { parseNodes } from '../plan/learning/nodes-file.ts';
import type { LearningNode, LearningTopology } from '../plan/learning/topology.ts';
import { createLogger } from '../telemetry/log.ts';
import { Agent } from './agent/agent.ts';
import { Controller } from './controller/controller.ts';
import type { LearningTask } from './controller/task-file.ts';
import type { TaskState } from './messages/payloads.ts';
import { learnInOnePlace, learnOnOneLevel } from './sample/beside.ts';

/** Figure 11 of D1.3 (config/learning/d13-nodes.csv). */
export const DEMO_NODES = `n1,global-aggregator,"n2:100,n3:100",""
n2,aggregator,"n1:100,n3:100",""
n3,aggregator,"n1:100,n2:100",""
n4,client,"n1:200,n2:100,n3:50","0:1000,1:10000,2:20000"
n5,client,"n1:200,n2:100,n3:100","3:1000,4:10000,5:20000"
n6,client,"n1:200,n2:100,n3:100","6:1000,7:10000,8:20000"
n7,client,"n1:200,n2:50,n3:100","0:1000,4:10000,9:20000"
n8,client,"n1:200,n2:100,n3:100","0:1000,4:10000,9:20000"
n9,client,"n1:200,n2:100,n3:50","1:1000,5:10000,7:20000"
`;

export interface LearningDemoOptions {
  /** Its broker has no users. */
  readonly brokerUrl: string;
  /** The command of every node. */
  readonly command: readonly [string, ...string[]];
  readonly rounds: number;
  /** After this round n9 leaves, and some rounds later it is back; null: it stays. */
  readonly leaveAt: number | null;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

const LOOPBACK = '127.0.0.1';
const LEAVING = 'n9';
/** Rounds without it. */
const AWAY_ROUNDS = 5;
const SETTLE_MS = 500;

/** Runs the demo to its end, or until `signal`; leaves nothing behind. */
export async function runLearningDemo(options: LearningDemoOptions): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'qedge-fl-demo-'));
  try {
    await runIn(directory, options);
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function runIn(directory: string, options: LearningDemoOptions): Promise<void> {
  const { rounds, print, signal } = options;
  const topology = parseNodes('nodes', DEMO_NODES);
  const task = taskOf(options.brokerUrl, rounds, directory);
  printPublished(topology, task.request, print);
  const agents = await startAgents(topology, task.mqtt, options.command);
  const story = new Story(options, {
    leave: () => agents.get(LEAVING)?.stop(),
    comeBack: () => agents.get(LEAVING)?.start(),
  });
  const log = createLogger({ level: 'silent', nodeId: '', destination: { write() {} } });
  const controller = new Controller({ task, log, fresh: true, onState: (state) => story.show(state) });
  signal.addEventListener('abort', () => controller.stop());
  if (signal.aborted) controller.stop();
  try {
    const end = await controller.run();
    if (end.kind === 'done') printSummary(end.state, { topology, task, story, print });
  } finally {
    await Promise.all([...agents.values()].map((agent) => agent.stop()));
  }
}

function taskOf(brokerUrl: string, rounds: number, directory: string): LearningTask {
  const keys = mqttKeys({ directory, hostname: 'demo', stateDirectory: null }, 'demo');
  return {
    name: 'digits',
    request: { strategy: 'min-kld', modelMb: 10, budget: 600, search: 'least', seed: 1 },
    ends: { rounds, accuracy: null, loss: null, cost: null },
    settleMs: SETTLE_MS,
    mqtt: section(keys).parse({ url: brokerUrl }),
    listen: { host: LOOPBACK, port: 0 },
    address: LOOPBACK,
    allow: [],
    directory,
    nodes: null,
  };
}

async function startAgents(
  { global, aggregators, clients }: LearningTopology,
  mqtt: MqttConfig,
  command: readonly [string, ...string[]],
): Promise<ReadonlyMap<string, Agent>> {
  const agents = new Map<string, Agent>();
  for (const node of [global, ...aggregators, ...clients])
    agents.set(node.id, agentOf(node, { mqtt, command, port: await freePort() }));
  for (const agent of agents.values()) agent.start();
  return agents;
}

interface Setting {
  readonly mqtt: MqttConfig;
  readonly command: readonly [string, ...string[]];
  readonly port: number;
}

function agentOf({ id, role, costs, samples }: LearningNode, { mqtt, command, port }: Setting): Agent {
  const learning = {
    command: [...command] as [string, ...string[]],
    role,
    port,
    costs: Object.fromEntries(costs),
    samples: Object.fromEntries(samples),
  };
  const node = { id, address: LOOPBACK, probePort: null, tier: null, labels: {}, boot: null, load: null };
  return new Agent({
    node: id,
    host: LOOPBACK,
    learning,
    mqtt: { ...mqtt, clientId: `qedge-${id}` },
    addresses: createAddressPolicy({ allow: [`${LOOPBACK}/8`], ownListeners: () => [] }),
    log: createLogger({ level: 'silent', nodeId: id, destination: { write() {} } }),
    announcement: { topic: nodeTopic(mqtt.topicPrefix, id), payload: encodeNode(node, learning) },
  });
}

/** What is said while it runs. */
class Story {
  readonly curve: { readonly round: number; readonly accuracy: number }[] = [];
  /** Epochs that were trained by now. */
  epochs = 0;
  readonly #options: LearningDemoOptions;
  readonly #turns: Turns;
  #generation = 0;
  #round = 0;
  #where: 'here' | 'away' | 'back' = 'here';

  constructor(options: LearningDemoOptions, turns: Turns) {
    this.#options = options;
    this.#turns = turns;
  }

  show({ phase, reason, generation, round, accuracy, spent, configuration }: TaskState): void {
    const { print, leaveAt } = this.#options;
    if (generation !== this.#generation && configuration !== null && phase === 'training') {
      this.#generation = generation;
      const { clusters, epochs, localRounds, divergence, costPerEpoch } = configuration;
      print(`generation ${generation}, from round ${round}: ${reason}`);
      for (const { aggregator, clients } of clusters) print(`  ${aggregator}: ${clients.join(' ')}`);
      print(
        `  divergence ${divergence}, ${epochs} epochs, ${localRounds} gatherings below, ${costPerEpoch.toFixed(4)} units per epoch`,
      );
      this.#round = round;
    }
    if (round <= this.#round || accuracy === null || configuration === null) return;
    this.epochs += (round - this.#round) * configuration.epochs * configuration.localRounds;
    this.#round = round;
    this.curve.push({ round, accuracy });
    print(
      `  round ${String(round).padStart(3)}  accuracy ${bar(accuracy)} ${accuracy.toFixed(3)}  ${Math.round(spent)} units`,
    );
    if (leaveAt !== null) this.#turn(round, leaveAt);
  }

  #turn(round: number, leaveAt: number): void {
    const { print } = this.#options;
    if (this.#where === 'here' && round >= leaveAt) {
      this.#where = 'away';
      print(`${LEAVING} leaves`);
      this.#turns.leave();
    } else if (this.#where === 'away' && round >= leaveAt + AWAY_ROUNDS) {
      this.#where = 'back';
      print(`${LEAVING} comes back`);
      this.#turns.comeBack();
    }
  }
}

/** What happens to the node that leaves. */
interface Turns {
  readonly leave: () => void;
  readonly comeBack: () => void;
}

function printPublished(
  topology: LearningTopology,
  request: ConfigurationRequest,
  print: (line: string) => void,
): void {
  const clusters = new Map([
    ['n2', ['n4', 'n8', 'n9']],
    ['n3', ['n5', 'n6', 'n7']],
  ]);
  const published = configure(topology, { ...request, search: 'published', clusters });
  const { divergence, epochs, localRounds, costPerEpoch } = published;
  print('As AIoTwin D1.3 publishes it, for its clusters {n4 n8 n9} at n2 and {n5 n6 n7} at n3:');
  print(
    `  divergence ${divergence}, ${epochs} epochs, ${localRounds} gatherings below, ${costPerEpoch.toFixed(4)} units per epoch`,
  );
}

interface Telling {
  readonly topology: LearningTopology;
  readonly task: LearningTask;
  readonly story: Story;
  readonly print: (line: string) => void;
}

function printSummary({ accuracy, spent, reason }: TaskState, { topology, task, story, print }: Telling): void {
  const { epochs } = story;
  const onePlace = learnInOnePlace(topology, epochs);
  const oneLevel = learnOnOneLevel(topology, task.request, epochs);
  const row = (what: string, figures: { accuracy: number; epochs: number; units: number }): string =>
    `  ${what.padEnd(34)} ${figures.accuracy.toFixed(3).padStart(8)} ${String(figures.epochs).padStart(7)} ${String(Math.round(figures.units)).padStart(8)}`;
  print(`done: ${reason}`);
  print(`  ${''.padEnd(34)} accuracy  epochs    units`);
  print(row('two levels, in processes, as above', { accuracy: accuracy ?? 0, epochs, units: spent }));
  print(row('one level, all nodes, computed', oneLevel));
  print(row('all data in one place, computed', onePlace));
}

const bar = (share: number): string => '█'.repeat(Math.round(share * 30)).padEnd(30, '·');

/** A port that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, LOOPBACK, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
