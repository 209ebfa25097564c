// `qedge status`: the live state as a table, once or every second.

import type { Command } from 'commander';
import type { StateDocument } from '../../admin/state/state.ts';
import type { ChainState } from '../../core/chain/chain.ts';
import type { ClientState } from '../../core/domain.ts';
import type { RouterState } from '../../core/service-router.ts';
import { costPerRequest, energyPerRequest, poolsText, reasonsText, requirementText } from '../../core/standing.ts';
import { CommandError } from '../../errors.ts';
import { renderColumns, truncate } from '../../terminal/columns.ts';
import { LiveBlock } from '../../terminal/live-block.ts';
import { type Paint, paintFor, widthOf } from '../../terminal/paint.ts';
import { wrapWords } from '../../terminal/wrap.ts';
import { type AdminClientOptions, withAdminOptions } from '../admin-address.ts';
import { AdminClient } from '../admin-client.ts';
import { duration, milliseconds, percent } from '../figures.ts';
import { instanceColumns } from '../instance-columns.ts';

interface StatusOptions extends AdminClientOptions {
  readonly watch?: true;
  readonly json?: true;
  readonly exitCode?: true;
}

const WATCH_INTERVAL_MS = 1_000;
const WORST_CLIENTS = 4;

export function registerStatus(program: Command): void {
  withAdminOptions(
    program
      .command('status')
      .description('show services, pools, weights and how clients are served')
      .argument('[names...]', 'only these services and instances'),
  )
    .option('-w, --watch', 'print again every second')
    .option('--json', 'print JSON; with --watch one document a line')
    .option('--exit-code', 'exit 1 when it is not ready')
    .action(async (names: readonly string[], options: StatusOptions) => {
      const client = new AdminClient(options);
      const ask = async (): Promise<StateDocument> => only(names, await client.get<StateDocument>('/api/v1/state'));
      if (options.watch) await watch(ask, options.json === true);
      else {
        const state = await ask();
        print(state, options.json === true);
        if (options.exitCode && !state.ready) process.exitCode = 1;
      }
    });
}

/** What is named of the services and instances, or all. Throws for a name that is neither. */
function only(names: readonly string[], state: StateDocument): StateDocument {
  if (names.length === 0) return state;
  const wanted = new Set(names);
  const chains = state.chains.filter(({ chain }) => wanted.has(chain));
  const services = state.services.flatMap((service) => {
    if (wanted.has(service.service)) return [service];
    const instances = service.instances.filter(({ key }) => wanted.has(key));
    return instances.length === 0 ? [] : [{ ...service, instances }];
  });
  const known = new Set([
    ...state.services.flatMap(({ service, instances }) => [service, ...instances.map(({ key }) => key)]),
    ...state.chains.map(({ chain }) => chain),
  ]);
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0) throw new CommandError(`no service, instance or chain of that name: ${unknown.join(', ')}`);
  return { ...state, services, chains };
}

function print(state: StateDocument, json: boolean): void {
  const look = { width: widthOf(process.stdout), paint: paintFor(process.stdout) };
  const lines = json ? [JSON.stringify(state)] : statusLines(state, look);
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Until Ctrl-C; a qedge that is away for a while is waited for. */
async function watch(ask: () => Promise<StateDocument>, json: boolean): Promise<void> {
  let ended = false;
  let wake: () => void = () => {};
  // A signal that is not heard would leave the terminal without its cursor.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      ended = true;
      wake();
    });
  }
  const block = json || !process.stdout.isTTY ? null : new LiveBlock(process.stdout);
  const paint = paintFor(process.stdout);
  while (!ended) {
    const state = await ask().catch((error: unknown) => {
      if (error instanceof CommandError) return error.message;
      throw error;
    });
    if (typeof state === 'string') {
      if (block === null) process.stderr.write(`${state}\n`);
      else block.draw(wrapWords(state.split(' '), { width: block.columns, first: '', hanging: '  ' }));
    } else if (block === null) print(state, json);
    else block.draw(withinRows(statusLines(state, { width: block.columns, paint }), block.rows));
    await new Promise<void>((resolve) => {
      wake = resolve;
      setTimeout(resolve, WATCH_INTERVAL_MS);
    });
  }
  block?.end();
}

/** What does not fit a terminal's height is counted instead of shown. */
function withinRows(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  return [...lines.slice(0, rows - 1), `… ${lines.length - rows + 1} more lines: a higher terminal, or no --watch`];
}

interface Look {
  readonly width: number;
  readonly paint: Paint;
}

/** The whole picture, a line an element. */
export function statusLines(state: StateDocument, look: Look): readonly string[] {
  return [
    ...headline(state, look),
    ...configurationLines(state, look),
    ...sourceLines(state, look),
    ...troubleLines(state, look),
    ...state.services.flatMap((service) => ['', ...serviceLines(service, look)]),
    ...state.chains.flatMap((chain) => ['', ...chainLines(chain, look)]),
  ];
}

function headline({ node, ready, notReadyReasons }: StateDocument, { width, paint }: Look): readonly string[] {
  const broker = node.broker === null ? '' : node.broker.connected ? ', broker connected' : ', broker away';
  const store = node.store === null || node.store.ok ? '' : `, store failing: ${node.store.detail}`;
  const readiness = ready ? 'ready' : `not ready: ${notReadyReasons.join('; ')}`;
  const text = `qedge ${node.version} on ${node.id}, up ${duration(node.process.uptimeMs)}, ${readiness}${broker}${store}`;
  const style = ready && store === '' ? 'strong' : 'bad';
  return wrapWords(text.split(' '), { width, first: '', hanging: '  ' }).map((line) => paint(style, line));
}

/** What is known from beside the broker. */
function sourceLines({ node: { sources } }: StateDocument, { width }: Look): readonly string[] {
  if (sources.length === 0) return [];
  const words = sources.map(({ source, instances, leftOut }, i) => {
    const unused = leftOut === 0 ? '' : ` (${leftOut} not used)`;
    return `${instances} from ${source}${unused}${i < sources.length - 1 ? ',' : ''}`;
  });
  return wrapWords(['instances:', ...words], { width, first: '', hanging: '  ' });
}

function troubleLines({ node: { troubles }, services }: StateDocument, { width, paint }: Look): readonly string[] {
  return [...troubles, ...services.flatMap(failingText)]
    .flatMap((text) => wrapWords(text.split(' '), { width, first: '', hanging: '  ' }))
    .map((text) => paint('bad', text));
}

/** Instances that fail, before the table, which leaves columns out where it is narrow. */
function failingText({ service, instances }: RouterState): readonly string[] {
  const failing = instances.filter((one) => one.failing);
  const [first] = failing;
  if (first === undefined) return [];
  const count = `instances that fail: ${failing.length} of ${instances.length}`;
  return [`service "${service}": ${count}; ${first.key}: ${reasonsText(first.reasons)} of its last attempts`];
}

/** Why the file and what runs are not the same. */
function configurationLines({ node: { configuration } }: StateDocument, { width, paint }: Look): readonly string[] {
  const { problems, restartKeys } = configuration;
  const refused = problems.length === 0 ? [] : ['the last reload was refused, nothing changed:'];
  const restart = restartKeys.length === 0 ? [] : [`changed, and waiting for a restart: ${restartKeys.join(', ')}`];
  const wrapped = [...problems, ...restart].flatMap((text) =>
    wrapWords(text.split(' '), { width, first: '  ', hanging: '    ' }),
  );
  return [...refused.map((text) => paint('bad', text)), ...wrapped.map((text) => paint('notice', text))];
}

/** A lower rate is shown as 0.0. */
const SHOWN_PER_SECOND = 0.05;

function serviceLines(service: RouterState, look: Look): readonly string[] {
  const { qos, clients } = service;
  const target = `${percent(qos.successRatio, 0)} within ${milliseconds(qos.latencyMs)} over ${qos.windowMs / 1000} s`;
  const energyMwh = energyPerRequest(service.instances);
  const cost = costPerRequest(service.instances);
  const facts = [
    ...(service.successRatio === null
      ? [service.requestsPerSecond < SHOWN_PER_SECOND ? 'no requests lately' : 'no request that counts lately']
      : [
          `met for ${percent(service.clientsSatisfiedRatio, 0)} of clients`,
          `success ${percent(service.successRatio)}`,
        ]),
    `${service.requestsPerSecond.toFixed(1)} requests/s`,
    ...(energyMwh === null ? [] : [`${energyMwh.toFixed(3)} mWh a request`]),
    ...(cost === null ? [] : [`cost ${cost} a request`]),
    ...(service.instances.length === 0
      ? ['no instance known']
      : [poolsText(service.instances), `exploration ${percent(service.summary.explorationShare)}`]),
    ...(service.summary.panic ? ['PANIC: most instances are ejected'] : []),
  ];
  return [
    look.paint('strong', truncate(`${service.service} by ${service.policy}, wanted: ${target}`, look.width)),
    ...wrapList(facts, look.width),
    ...wrapList(groupFacts(service), look.width),
    ...wrapList(neighbourFacts(service), look.width),
    ...requirementLines(service, look),
    ...worstLines(clients, qos, look),
    ...(service.instances.length > 0 ? renderColumns(instanceColumns(service), { ...look, indent: '  ' }) : []),
  ];
}

function chainLines({ chain, qos, stages, clients, ...state }: ChainState, look: Look): readonly string[] {
  const target = `${percent(qos.successRatio, 0)} within ${milliseconds(qos.latencyMs)} over ${qos.windowMs / 1000} s`;
  const { success, late, failed, abandoned } = state.results;
  const facts = [
    ...(state.successRatio === null
      ? ['no runs lately']
      : [`met for ${percent(state.clientsSatisfiedRatio, 0)} of clients`, `success ${percent(state.successRatio)}`]),
    `${state.runs} under way`,
    `${success} in time, ${late} late, ${failed} failed, ${abandoned} abandoned`,
  ];
  const shares = stages.map(
    (stage) => `${stage.service} ${milliseconds(stage.shareMs)} (needs ${milliseconds(stage.reserveMs)})`,
  );
  return [
    look.paint('strong', truncate(`chain ${chain}, wanted: ${target}`, look.width)),
    ...wrapList(facts, look.width),
    ...wrapList(shares, look.width),
    ...worstLines(clients, qos, look),
  ];
}

/** What else is asked for, those that are missed by some clients in another colour. */
function requirementLines({ requirements }: RouterState, { width, paint }: Look): string[] {
  return requirements
    .filter(({ requirement }) => requirement !== 'latency')
    .map((one) => {
      const held = one.heldShare !== null && one.heldShare < one.goal ? `, held to ${percent(one.heldShare)}` : '';
      const clients = one.clientsRatio === null ? '' : `, for ${percent(one.clientsRatio, 0)} of clients`;
      const text = `  ${requirementText(one)}${clients}${held}`;
      return paint((one.clientsRatio ?? 1) < 1 ? 'notice' : 'plain', truncate(text, width));
    });
}

/** Clients whose goal is not met. */
function worstLines(clients: RouterState['clients'], { successRatio }: RouterState['qos'], look: Look): string[] {
  const isBelow = (one: ClientState): boolean =>
    one.missed === undefined ? one.successRatio < successRatio : one.missed !== null;
  const below = clients.filter(isBelow).slice(0, WORST_CLIENTS);
  if (below.length === 0) return [];
  const worst = below.map((one) => `${one.clientId} ${missedText(one)}`).join(', ');
  return [look.paint('notice', truncate(`  worst served: ${worst}`, look.width))];
}

/** The requirement that it misses by most; its success where that is all that is asked for. */
function missedText({ successRatio, requirements = [], missed }: ClientState): string {
  const level = requirements.find(({ requirement }) => requirement === missed);
  return level === undefined ? percent(successRatio) : requirementText(level);
}

/** Which neighbours say what they saw of the instances, and which are not believed. */
function neighbourFacts({ neighbours }: RouterState): string[] {
  const { use, heard } = neighbours ?? { use: false, heard: [] };
  const facts = heard.map(({ nodeId, instances, samples, heardAgeMs, silent, ignoredMs, wrongOver }) => {
    if (ignoredMs > 0) return `${nodeId} ignored for ${duration(ignoredMs)}, wrong about ${wrongOver}`;
    if (silent) return `${nodeId} silent for ${duration(heardAgeMs)}`;
    return `${nodeId} ${samples.toFixed(1)} samples of ${instances} ${instances === 1 ? 'instance' : 'instances'}`;
  });
  return facts.map((fact, i) => (i === 0 ? `neighbours ${use ? 'used' : 'observed'}: ${fact}` : fact));
}

/** What keeps requests together, and where the preferred ones go. */
function groupFacts({ affinity, groups }: RouterState): string[] {
  const sessions =
    affinity === null
      ? []
      : [
          `${affinity.sessions} ${affinity.sessions === 1 ? 'session' : 'sessions'}: ${affinity.kept} requests kept, ${affinity.moved} moved`,
        ];
  const filled = groups.filter(({ instances }) => instances > 0);
  return [...sessions, ...filled.map(({ name, share }, i) => `${i === 0 ? 'prefers ' : ''}${name} ${percent(share)}`)];
}

/** `a, b, c` in as many lines as it takes, broken between the items. */
function wrapList(items: readonly string[], width: number): readonly string[] {
  if (items.length === 0) return [];
  const words = items.map((item, i) => (i < items.length - 1 ? `${item},` : item));
  return wrapWords(words, { width, first: '  ', hanging: '  ' }).map((line) => truncate(line, width));
}
