// `qedge check`: would `qedge run` start? The config, the path of the store and the ports, with everything that is wrong.

import { basename, dirname } from 'node:path';
import type { Command } from 'commander';
import type { Config, ListenAddress } from '../../config/config.ts';
import type { InstanceList } from '../../config/instance-list.ts';
import { loadConfig } from '../../config/load.ts';
import { isOneMachine } from '../../config/loopback.ts';
import { configNotes, descriptorLimit } from '../../config/notes.ts';
import { ConfigError, EX_CONFIG, formatProblem, type Problem } from '../../errors.ts';
import { createAcceptance } from '../../placement/acceptance.ts';
import { checkLists } from '../../placement/source/file/list-files.ts';
import { sqliteBindingProblem } from '../../sea.ts';
import { checkStorePath } from '../../store/check-path.ts';
import { type ConfigOption, configOption } from '../config-option.ts';
import { checkOnline } from '../online/check-online.ts';
import type { Finding } from '../online/finding.ts';
import { type PortState, portState } from '../service/port-state.ts';

export function registerCheck(program: Command): void {
  program
    .command('check')
    .description('validate the configuration, the path of the store and the ports; exit 0 or 78')
    .addOption(configOption())
    .option('--reload', 'skip the ports, which the running qedge has: before a reload')
    .option(
      '--online',
      'also try what it names: broker, names, instances, certificates, store, clock; exit 1 when one fails',
    )
    .option('--json', 'print JSON: { ok, problems, notes }, with --online also { online }')
    .action(async (options: CheckOptions) => {
      if (options.json) await reportJson(options);
      else await report(options);
    });
}

interface CheckOptions extends ConfigOption {
  readonly reload?: true;
  readonly online?: true;
  readonly json?: true;
}

/** What was found good, and may surprise. */
interface Findings {
  readonly config: Config;
  readonly notes: readonly string[];
  /** A qedge that runs has the ports. */
  readonly running: boolean;
}

/**
 * One line that says what was found good, and one for each thing that may surprise.
 *
 * @throws ConfigError with everything that is wrong
 */
async function report(options: CheckOptions): Promise<void> {
  const { config, notes, running } = await check(options);
  const name = basename(options.config);
  const good = `good (node ${config.node.id}, ${countOf(config.services.length, 'service')})`;
  const lines = [...notes, running ? `${good}; a qedge is running on its ports` : good];
  process.stdout.write(`${lines.map((line) => `${name}: ${line}`).join('\n')}\n`);
  for (const { subject, ok, detail } of await tryOnline(options, { config, running })) {
    process.stdout.write(`${ok ? 'ok  ' : 'FAIL'} ${subject}: ${detail}\n`);
  }
}

/** What was tried, where that was asked for: one that failed decides the exit status. */
async function tryOnline(
  { config: file, online }: CheckOptions,
  { config, running }: Pick<Findings, 'config' | 'running'>,
): Promise<readonly Finding[]> {
  if (!online) return [];
  const findings = await checkOnline({ config, file, running });
  if (!findings.every(({ ok }) => ok)) process.exitCode = 1;
  return findings;
}

async function reportJson(options: CheckOptions): Promise<void> {
  const print = (document: object): unknown => process.stdout.write(`${JSON.stringify(document)}\n`);
  try {
    const { config, notes, running } = await check(options);
    const online = await tryOnline(options, { config, running });
    print({ ok: online.every(({ ok }) => ok), problems: [], notes, running, ...(options.online ? { online } : {}) });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    print({ ok: false, problems: error.problems, notes: [] });
    process.exitCode = EX_CONFIG;
  }
}

async function check({ config: file, reload }: CheckOptions): Promise<Findings> {
  const config = loadConfig(file);
  const name = basename(file);
  const listeners = reload ? [] : listenersOf(config);
  const states = await Promise.all(listeners.map(({ address }) => portState(address)));
  const lists = await listsOf(config, name);
  const listed = lists?.problems ?? [];
  const problems = [
    ...storeProblems(config, name),
    ...portProblems(listeners, states, name),
    // Before a reload they are no reason to refuse it: what the files said before stands.
    ...(reload ? [] : listed),
  ];
  if (problems.length > 0) throw new ConfigError(problems);
  const known = listed.length > 0 ? null : (lists?.instances ?? null);
  const hints = [...loopbackHints(config), ...configNotes(config, descriptorLimit(), known)];
  const notes = reload ? [...hints, ...listed.map(formatProblem)] : hints;
  return { config, notes, running: states.includes('held-by-qedge') };
}

/** What the files that `[placement.file]` names say, with their mistakes; null where none is named. */
async function listsOf({ placement: { file } }: Config, name: string): Promise<InstanceList | null> {
  return file === null ? null : checkLists(file.path, { file: name, path: 'placement.file.path' });
}

interface NamedAddress {
  readonly path: string;
  readonly address: ListenAddress;
}

function listenersOf({ proxy, admin, services }: Config): NamedAddress[] {
  const own = services.flatMap(({ listen }) => (listen === null ? [] : [{ path: 'service.listen', address: listen }]));
  return [{ path: 'proxy.listen', address: proxy.listen }, { path: 'admin.listen', address: admin.listen }, ...own];
}

function storeProblems({ store }: Config, file: string): Problem[] {
  if (store.path === null) return [];
  const message = checkStorePath(store.path) ?? sqliteBindingProblem(dirname(store.path));
  return message === null ? [] : [{ file, line: 0, column: 0, path: 'store.path', message }];
}

function portProblems(listeners: readonly NamedAddress[], states: readonly PortState[], file: string): Problem[] {
  return listeners.flatMap(({ path, address }, i) => {
    const state = states[i] ?? 'free';
    // A running qedge holds the ports that it is about to hand over.
    if (state === 'free' || state === 'held-by-qedge') return [];
    const { host, port } = address;
    return [
      {
        file,
        line: 0,
        column: 0,
        path,
        message: `${host.includes(':') ? `[${host}]` : host}:${port}: ${state.reason}`,
      },
    ];
  });
}

/** What will run, and perhaps not as it was meant. */
function loopbackHints(config: Config): string[] {
  if (config.mqtt === null) return [];
  const { mayPublish } = createAcceptance(config, () => []);
  if (isOneMachine(config.node.address, config.mqtt.urls) && mayPublish('127.0.0.1')) {
    return ['node.address, mqtt.url: on loopback, so all nodes count as this machine and may announce loopback'];
  }
  const alone =
    'is on loopback: only this node uses it (placement.allow = ["127.0.0.0/8", …] where all nodes are one machine)';
  const instances = config.announce.filter(({ host }) => !mayPublish(host));
  const hints = instances.map(({ service, id, host }) => `announce: ${service}/${id} at ${host} ${alone}`);
  const { address } = config.node;
  return address === null || mayPublish(address) ? hints : [...hints, `node.address: ${address} ${alone}`];
}

const countOf = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;
