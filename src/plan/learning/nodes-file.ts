// The nodes of a task as CSV, a line each: `n4,client,"n1:200,n2:100,n3:50","0:1000,1:10000,2:20000"`: id, role, what links cost
// (units per MB), samples by class. The format is that of the AIoTwin orchestrator (D1.3, section 3).

import { ConfigError, type Problem } from '../../errors.ts';
import { type CsvRow, csvRows } from '../csv.ts';
import { type LearningNode, type LearningRole, type LearningTopology, NODE_NAME } from './topology.ts';

const ROLES: readonly LearningRole[] = ['global-aggregator', 'aggregator', 'client'];
/** The search keeps a count of each class for each client: so many of both are 80 MB. */
const NODES_MAX = 10_000;
const CLASSES_MAX = 1_000;

type Report = (line: number, message: string) => void;

interface PlacedNode extends LearningNode {
  readonly line: number;
}

/**
 * Reads all nodes of a task.
 *
 * @param file its name, for problems
 * @throws ConfigError with everything that is wrong, and the line of each
 */
export function parseNodes(file: string, text: string): LearningTopology {
  const problems: Problem[] = [];
  const report: Report = (line, message) => problems.push({ file, line, column: line > 0 ? 1 : 0, path: '', message });
  const rows = csvRows(file, text);
  const written = isHeading(rows[0]) ? rows.slice(1) : rows;
  const nodes = written.flatMap((row) => nodeOf(row, report) ?? []);
  // A line that cannot be read may be what is missing.
  if (problems.length === 0) checkRoles(nodes, report);
  checkNames(nodes, new Set(written.map(({ cells }) => cells[0] ?? '')), report);
  if (problems.length > 0) throw new ConfigError(problems.toSorted((a, b) => a.line - b.line));
  const ofRole = (role: LearningRole): LearningNode[] => nodes.filter((node) => node.role === role);
  const [global] = ofRole('global-aggregator');
  return { global: global as LearningNode, aggregators: ofRole('aggregator'), clients: ofRole('client') };
}

const isHeading = (row: CsvRow | undefined): boolean => row?.cells[0] === 'id' && row.cells[1] === 'role';

function nodeOf({ cells, line }: CsvRow, report: Report): PlacedNode | undefined {
  const [id = '', role = '', costs = '', samples = ''] = cells;
  if (cells.length > 4) report(line, `expected id,role,"costs","samples", got ${cells.length} columns`);
  if (!NODE_NAME.test(id)) {
    report(
      line,
      `expected the name of a node (a letter or digit, then also ".", "_", "-"; at most 63), got ${shown(id)}`,
    );
    return undefined;
  }
  if (!isRole(role)) {
    report(line, `node "${id}": expected one of ${ROLES.join(', ')}, got ${shown(role)}`);
    return undefined;
  }
  const complain = (message: string): void => report(line, `node "${id}": ${message}`);
  const node = {
    id,
    role,
    costs: pairs(costs, { what: 'cost', whole: false }, complain),
    samples: pairs(samples, { what: 'number of samples', whole: true }, complain),
    line,
  };
  const counts = [...node.samples.values()];
  // Samples that cannot be read are named already.
  if (role === 'client' && (samples.trim() === '' || (counts.length > 0 && counts.every((count) => count === 0)))) {
    complain('a client without samples has nothing to learn from');
  }
  if (role !== 'client' && node.samples.size > 0) complain(`has samples, and a ${role} trains nothing`);
  return node;
}

/** `a:1,b:2` → a → 1, b → 2. */
function pairs(
  text: string,
  { what, whole }: { readonly what: string; readonly whole: boolean },
  complain: (message: string) => void,
): Map<string, number> {
  const found = new Map<string, number>();
  for (const part of text.split(',').map((piece) => piece.trim())) {
    if (part === '') continue;
    const colon = part.lastIndexOf(':');
    const key = part.slice(0, Math.max(0, colon)).trim();
    const written = part.slice(colon + 1).trim();
    const value = written === '' ? Number.NaN : Number(written);
    const fits = value >= 0 && value <= 1e12 && (!whole || Number.isInteger(value));
    if (key === '' || !fits) complain(`expected name:${what}, got ${shown(part)}`);
    else if (found.has(key)) complain(`"${key}" has a ${what} twice`);
    else found.set(key, value);
  }
  return found;
}

function checkRoles(nodes: readonly PlacedNode[], report: Report): void {
  if (nodes.length > NODES_MAX) report(0, `expected at most ${NODES_MAX} nodes, got ${nodes.length}`);
  const classes = new Set(nodes.flatMap(({ samples }) => [...samples.keys()]));
  if (classes.size > CLASSES_MAX) report(0, `expected at most ${CLASSES_MAX} classes, got ${classes.size}`);
  const globals = nodes.filter(({ role }) => role === 'global-aggregator');
  if (globals.length === 0) report(0, 'no node is the global-aggregator');
  for (const { id, line } of globals.slice(1)) report(line, `node "${id}": there is a global-aggregator already`);
  if (!nodes.some(({ role }) => role === 'client')) report(0, 'no node is a client');
}

/** @param written the names of all lines, also of those with mistakes */
function checkNames(nodes: readonly PlacedNode[], written: ReadonlySet<string>, report: Report): void {
  const seen = new Set<string>();
  for (const { id, line } of nodes) {
    if (seen.has(id)) report(line, `node "${id}" is there already`);
    seen.add(id);
  }
  for (const { id, costs, line } of nodes) {
    for (const to of costs.keys()) {
      if (!written.has(to)) report(line, `node "${id}": no such node: ${shown(to)}`);
    }
  }
}

function isRole(text: string): text is LearningRole {
  return (ROLES as readonly string[]).includes(text);
}

const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
