// Nodes, their distances and their clients as CSV: a header `node,clients,rate,work,<node>,<node>…`, then a line each. `clients` ask
// for `rate` requests/s each; `work` is the CPU time of a request there in ms, `none` where there can be no instance; then the round
// trip to each node in ms, `none` where there is no way. `clients`, `rate` and `work` may be left out.

import type { TomlTable } from '../../config/toml.ts';
import { ConfigError, type Problem } from '../../errors.ts';
import { type CsvRow, csvRows } from '../csv.ts';
import { type PlacementTask, taskOf, WORK_CV, withWork } from './task.ts';

/** What the file does not say. */
export interface SiteDefaults {
  readonly latencyMs: number;
  readonly successRatio: number;
  /** Factor on all rates. */
  readonly load: number;
  /** CPU time of a request. */
  readonly workMs: number;
}

/** Nodes of a table, at the most. */
export const NODES_MAX = 2_000;
/** Clients of all nodes together, at the most. */
const CLIENTS_MAX = 100_000;
const FACTS = ['node', 'clients', 'rate', 'work'] as const;

interface Site {
  readonly name: string;
  readonly clients: number;
  readonly rate: number;
  /** ms; null: no instance. */
  readonly work: number | null;
  readonly rtt: readonly number[];
}

type Report = (line: number, message: string) => void;

/**
 * @param file its name, for problems
 * @throws ConfigError with everything that is wrong, and the line of each
 */
export function parseSites(file: string, text: string, defaults: SiteDefaults): PlacementTask {
  const problems: Problem[] = [];
  const report: Report = (line, message) => problems.push({ file, line, column: line > 0 ? 1 : 0, path: '', message });
  const sites = sitesOf(csvRows(file, text), { workMs: defaults.workMs, report });
  if (problems.length === 0) checkTogether(sites, report);
  if (problems.length > 0) throw new ConfigError(problems.toSorted((a, b) => a.line - b.line));
  return toTask(sites, defaults);
}

function sitesOf(
  [header, ...body]: CsvRow[],
  { workMs, report }: { readonly workMs: number; readonly report: Report },
): Site[] {
  if (header === undefined) {
    report(0, `expected a header such as ${FACTS.join(',')} and the names of the nodes`);
    return [];
  }
  const nameColumn = header.cells.indexOf('node');
  if (nameColumn < 0) {
    // Without it no other column has a meaning.
    const separator = header.cells.length === 1 ? ', or it is not separated by commas' : '';
    report(header.line, `there is no column "node"${separator}: ${JSON.stringify(header.cells.join().slice(0, 60))}`);
    return [];
  }
  const names = new Set<string>();
  for (const { cells, line } of body) {
    const name = cells[nameColumn] ?? '';
    if (names.has(name)) report(line, `node ${JSON.stringify(name)} is there already`);
    names.add(name);
  }
  const columnOf = columns(header, names, report);
  return body.map((row) => siteOf(row, { columnOf, names: [...names], workMs, report }));
}

/** Column of each fact and of each node by name. */
function columns({ cells, line }: CsvRow, names: ReadonlySet<string>, report: Report): ReadonlyMap<string, number> {
  const columnOf = new Map<string, number>();
  const known = new Set<string>([...FACTS, ...names]);
  for (const [i, title] of cells.entries()) {
    if (!known.has(title)) report(line, `column ${i + 1}: neither ${FACTS.join(', ')} nor a node: "${title}"`);
    else if (columnOf.has(title)) report(line, `column ${i + 1}: "${title}" is there already`);
    columnOf.set(title, i);
  }
  for (const fact of FACTS) if (names.has(fact)) report(line, `"${fact}" is a column, and no name of a node`);
  for (const name of names) {
    if (!columnOf.has(name)) report(line, `there is no column "${name}"`);
  }
  return columnOf;
}

interface Reading {
  readonly columnOf: ReadonlyMap<string, number>;
  readonly names: readonly string[];
  readonly workMs: number;
  readonly report: Report;
}

function siteOf({ cells, line }: CsvRow, { columnOf, names, workMs, report }: Reading): Site {
  const cell = (title: string): string => cells[columnOf.get(title) ?? -1] ?? '';
  const number = (
    title: string,
    { absent, none, whole }: { absent: number | null; none: number | null; whole?: true },
  ) => {
    const text = cell(title);
    if (text === 'none' && none !== null) return none;
    if (text === '' && absent !== null) return absent;
    const value = text === '' ? Number.NaN : Number(text);
    if (value >= 0 && value <= 1e9 && (whole === undefined || Number.isInteger(value))) return value;
    report(
      line,
      `${title}: expected ${whole ? 'a whole number' : 'a number'} of 0 or more, got ${JSON.stringify(text)}`,
    );
    return 0;
  };
  const name = cell('node');
  if (!/^[\w.-]{1,64}$/.test(name)) {
    report(
      line,
      `expected the name of a node (letters, digits, ".", "_", "-", at most 64), got ${JSON.stringify(name)}`,
    );
  }
  const work = number('work', { absent: workMs, none: -1 });
  if (work === 0 && Number(cell('work')) === 0)
    report(line, 'work: expected more than 0 ms, or "none" where there can be no instance');
  return {
    name,
    clients: number('clients', { absent: 1, none: null, whole: true }),
    rate: number('rate', { absent: 1, none: null }),
    work: work < 0 ? null : work,
    // A column that is missing is named once, in the header.
    rtt: names.map((to) => (columnOf.has(to) ? number(to, { absent: null, none: Number.POSITIVE_INFINITY }) : 0)),
  };
}

function checkTogether(sites: readonly Site[], report: Report): void {
  if (sites.length === 0) report(0, 'there is no node');
  if (sites.length > NODES_MAX) report(0, `expected at most ${NODES_MAX} nodes, got ${sites.length}`);
  const clients = sites.reduce((sum, site) => sum + site.clients, 0);
  if (clients > CLIENTS_MAX)
    report(0, `clients: expected at most ${CLIENTS_MAX} on all nodes together, got ${clients}`);
  if (sites.every(({ work }) => work === null)) report(0, 'no node can carry an instance: work is none on all');
  if (sites.every(({ clients, rate }) => clients * rate === 0)) report(0, 'no node has clients that ask for anything');
}

function toTask(sites: readonly Site[], { latencyMs, successRatio, workMs, load }: SiteDefaults): PlacementTask {
  const nodes = sites.map(({ name }) => name);
  const written: TomlTable = {
    name: 'placement',
    duration: '60s',
    qos: { latency: `${latencyMs}ms`, success: successRatio },
    topology: {
      kind: 'matrix',
      nodes,
      rtt: sites.map(({ rtt }) => rtt.map((ms) => (Number.isFinite(ms) ? ms : 'none'))),
      instances: nodes,
    },
    model: { work: { mean: `${workMs}ms`, cv: WORK_CV } },
    clients: sites
      .filter(({ clients, rate }) => clients * rate > 0)
      .map(({ name, clients, rate }) => ({ each: clients, on: [name], rate })),
  };
  const task = taskOf(
    { document: { file: 'table', root: written, placeOf: () => null }, problems: [] },
    { seed: 1, load },
  );
  return withWork(
    task,
    sites.map(({ work }) => work),
  );
}
