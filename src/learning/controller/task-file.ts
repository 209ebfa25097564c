// TASK.toml → what is to be learned, by which nodes and until when, or one ConfigError with everything that is wrong.

import { isIP } from 'node:net';
import { basename, dirname, resolve } from 'node:path';
import * as z from 'zod';
import type { MqttConfig } from '../../config/config.ts';
import { type Keys, key, optional, required, type SectionOf, section, withDefaults } from '../../config/key.ts';
import { isLoopback, isOneMachine } from '../../config/loopback.ts';
import { openToml, sortByPlace } from '../../config/read-toml.ts';
import { filePath, type SchemaContext } from '../../config/schema/context.ts';
import { mqttKeys } from '../../config/schema/mqtt.ts';
import { defaultNetworks } from '../../config/schema/placement/placement.ts';
import { suggest } from '../../config/suggest.ts';
import { problemAt, type Reading, validate, valueAt } from '../../config/validate.ts';
import { cidr, count, duration, listenAddress, name, parsed, positiveRatio } from '../../config/values.ts';
import type { HostPort } from '../../core/domain.ts';
import { ConfigError, type Problem, unreadable } from '../../errors.ts';
import type { ConfigurationRequest } from '../../plan/learning/configuration.ts';
import { parseNodes } from '../../plan/learning/nodes-file.ts';
import type { LearningNode } from '../../plan/learning/topology.ts';
import { readNamedFile } from '../../readable-file.ts';
import type { Ends } from './course.ts';

/** One task of federated learning, checked. */
export interface LearningTask {
  readonly name: string;
  readonly request: ConfigurationRequest;
  readonly ends: Ends;
  readonly settleMs: number;
  readonly mqtt: MqttConfig;
  /** Where models are put, and where nodes reach that. */
  readonly listen: HostPort;
  readonly address: string;
  /** Networks that a model may be copied from. */
  readonly allow: readonly string[];
  readonly directory: string;
  /** Roles, costs and samples by node; null: as the nodes say themselves. */
  readonly nodes: ReadonlyMap<string, LearningNode> | null;
}

const above0 = z.number().gt(0).max(1e12);
const ip = parsed('expected an IP address such as "10.0.0.5"', (text) => (isIP(text) === 0 ? null : text));

const headKeys = (context: SchemaContext) => ({
  task: required('name', name, { doc: 'Name of the task, which its topics carry.', example: 'digits' }),
  model: required('modelMb', above0, { doc: 'Size of the model, MB.', example: 10 }),
  budget: required('budget', above0, { doc: 'Units of communication for each epoch.', example: 600 }),
  strategy: key('strategy', z.enum(['min-kld', 'min-cost']), {
    doc: 'Clusters whose data is like the data of all, or whose links cost least.',
    default: 'min-kld',
  }),
  search: key('search', z.enum(['least', 'published']), {
    doc: 'For the frequency: the fewest epochs, or the search of the AIoTwin orchestrator.',
    default: 'least',
  }),
  epochs: optional('epochs', count(1), { doc: 'Given, with local_rounds, in place of sought.', example: 8 }),
  local_rounds: optional('localRounds', count(1), { doc: 'Given, with epochs, in place of sought.', example: 7 }),
  seed: key('seed', count(0), { doc: 'Seed of the search among many clients.', default: 1 }),
  settle: key('settleMs', duration(), {
    doc: 'Nodes come and go in groups: a change is answered once the nodes were the same for this long.',
    default: '2s',
  }),
  nodes: optional('nodes', filePath(context), {
    doc: 'A CSV file with roles, costs and samples; without it as the nodes announce them.',
    example: 'nodes.csv',
  }),
});

const endKeys = {
  rounds: optional('rounds', count(1), { doc: 'After so many rounds.', example: 100 }),
  accuracy: optional('accuracy', positiveRatio, { doc: 'At this accuracy.', example: 0.9 }),
  loss: optional('loss', above0, { doc: 'At this loss.', example: 0.1 }),
  cost: optional('cost', above0, { doc: 'Before more units of communication are spent.', example: 100_000 }),
};

const controllerKeys = (context: SchemaContext) => ({
  listen: key('listen', listenAddress, { doc: 'Where models are put.', default: '127.0.0.1:0' }),
  address: optional('address', ip, { doc: 'Where nodes reach it; that of listen when absent.', example: '10.0.0.5' }),
  allow: optional('allow', z.array(cidr), {
    doc: 'Networks that a model is copied from while another controller has the task; private ones when absent, and loopback where broker and controller are on it.',
    example: ['10.0.0.0/8'],
  }),
  directory: key('directory', filePath(context), { doc: 'Where snapshots are kept.', default: 'snapshots' }),
});

/** @throws ConfigError with every problem and its place */
export function loadTask(file: string): LearningTask {
  const reading = openToml(file, {});
  const { document, problems } = reading;
  const context: SchemaContext = {
    directory: dirname(resolve(file)),
    hostname: `fl-${process.pid}`,
    stateDirectory: null,
  };
  const heads = headKeys(context);
  const head = headOf(reading, heads);
  const ends = table(reading, 'end', endKeys);
  const mqtt =
    document.root.mqtt === undefined
      ? undefined
      : validate(reading, section(mqttKeys(context, context.hostname)), ['mqtt']);
  const controller = table(reading, 'controller', controllerKeys(context));
  checkTogether(reading, { known: [...Object.keys(heads), ...TABLES], ends });
  const nodesFile = filePath(context).safeParse(document.root.nodes);
  const nodes = nodesFile.success ? nodesOf(nodesFile.data, reading) : null;
  if (problems.length > 0) {
    const isOfNodes = ({ file }: Problem): number => Number(file !== document.file);
    throw new ConfigError(sortByPlace(problems).toSorted((a, b) => isOfNodes(a) - isOfNodes(b)));
  }
  // No problem means that no part is missing.
  const { name, modelMb, budget, strategy, search, seed, epochs, localRounds, settleMs } = head as Head;
  const { listen, address, allow, directory } = controller as Controller;
  const { urls } = mqtt as MqttConfig;
  return {
    name,
    request: {
      strategy,
      modelMb,
      budget,
      search,
      seed,
      ...(epochs === null || localRounds === null ? {} : { frequency: { epochs, localRounds } }),
    },
    ends: ends as Ends,
    settleMs,
    mqtt: mqtt as MqttConfig,
    listen,
    address: address ?? listen.host,
    allow: allow ?? defaultNetworks(isOneMachine(address ?? listen.host, urls)),
    directory: resolve(directory, name),
    nodes,
  };
}

const TABLES = ['mqtt', 'end', 'controller'] as const;
type Head = SectionOf<ReturnType<typeof headKeys>>;
type Controller = SectionOf<ReturnType<typeof controllerKeys>>;

function table<Table extends Keys>(reading: Reading, word: string, keys: Table): SectionOf<Table> | undefined {
  return validate(reading, withDefaults(section(keys)), [word]);
}

/** The keys that stand before the tables. */
function headOf({ document, problems }: Reading, keys: ReturnType<typeof headKeys>): Head | undefined {
  const tables: readonly string[] = TABLES;
  const root = Object.fromEntries(
    Object.entries(document.root).filter(([word]) => Object.hasOwn(keys, word) && !tables.includes(word)),
  );
  return validate(
    { document: { ...document, root, placeOf: (path) => document.placeOf(path) }, problems },
    section(keys),
    [],
  );
}

interface Parts {
  readonly known: readonly string[];
  readonly ends: Ends | undefined;
}

/** What is wrong between keys, by what is written: a mistake in one key hides none in the others. */
function checkTogether({ document, problems }: Reading, { known, ends }: Parts): void {
  const written = (...path: readonly string[]): unknown => valueAt(document.root, path);
  const report = (path: readonly string[], message: string): void => {
    problems.push(problemAt(document, path, message));
  };
  for (const word of Object.keys(document.root)) {
    if (known.includes(word)) continue;
    const near = suggest(word, known);
    report([word], `unknown key "${word}"${near === null ? '' : `, did you mean "${near}"?`}`);
  }
  if (document.root.mqtt === undefined)
    report([], 'expected [mqtt] with the url of the broker over which the nodes are reached');
  if (ends !== undefined && Object.values(ends).every((end) => end === null)) {
    report(['end'], 'the task has no end: expected at least one of rounds, accuracy, loss and cost in [end]');
  }
  if ((written('epochs') === undefined) !== (written('local_rounds') === undefined)) {
    const path = [written('epochs') === undefined ? 'local_rounds' : 'epochs'];
    report(path, 'expected epochs and local_rounds together, or neither');
  }
  const listen = listenAddress.safeParse(written('controller', 'listen'));
  if (!listen.success || written('controller', 'address') !== undefined) return;
  const { host } = listen.data;
  if (isIP(host) === 0 && !isLoopback(host)) report(['controller', 'listen'], `expected an IP address, got "${host}"`);
  if (host === '0.0.0.0' || host === '::') {
    report(
      ['controller', 'listen'],
      'listens on every address: expected controller.address as well, where nodes reach it',
    );
  }
}

function nodesOf(file: string, { problems }: Reading): ReadonlyMap<string, LearningNode> | null {
  try {
    const { global, aggregators, clients } = parseNodes(basename(file), readNamedFile(file).toString());
    return new Map([global, ...aggregators, ...clients].map((node) => [node.id, node]));
  } catch (error) {
    if (error instanceof ConfigError) problems.push(...error.problems);
    else problems.push({ file: basename(file), line: 0, column: 0, path: '', message: unreadable(file, error) });
    return null;
  }
}
