// The plan of the house (src/README.md), held by a test that reads the sources as the compiler does.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readSources, type SourceFile, type SourceImport } from './support/source-files.ts';

const SRC = resolve(import.meta.dirname, '../src');
const DASHBOARD = 'admin/dashboard/';

/** Top-level part of src → parts it may import, besides itself. One that is not used fails as well. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  main: ['cli'],
  cli: [
    'placement',
    'demo',
    'learning',
    'plan',
    'app',
    'admin',
    'store',
    'systemd',
    'update',
    'scenario',
    'sim',
    'config',
    'core',
    'errors',
    'make-folder',
    'net',
    'packages',
    'readable-file',
    'sea',
    'telemetry',
    'terminal',
  ],
  demo: ['app', 'config', 'core', 'telemetry', 'errors', 'terminal', 'packages'],
  app: [
    'admin',
    'proxy',
    'placement',
    'probe',
    'store',
    'systemd',
    'config',
    'telemetry',
    'core',
    'net',
    'errors',
    'sea',
  ],
  admin: ['config', 'telemetry', 'core', 'errors', 'net', 'sea'],
  proxy: ['config', 'telemetry', 'core', 'net', 'errors', 'readable-file'],
  placement: ['config', 'telemetry', 'core', 'net', 'packages', 'errors', 'readable-file'],
  probe: ['config', 'telemetry', 'core', 'net'],
  store: ['telemetry', 'core', 'errors', 'make-folder', 'sea'],
  systemd: ['telemetry', 'errors', 'sea'],
  update: ['telemetry', 'errors'],
  scenario: ['sim', 'config', 'core', 'errors'],
  plan: ['scenario', 'sim', 'config', 'core', 'errors', 'terminal'],
  learning: ['placement', 'plan', 'config', 'telemetry', 'core', 'errors', 'make-folder', 'readable-file', 'sea'],
  sim: ['core', 'terminal'],
  config: ['core', 'errors', 'readable-file'],
  telemetry: ['net', 'packages', 'readable-file', 'terminal'],
  core: [],
  net: ['core', 'readable-file', 'sea'],
  packages: [],
  'make-folder': [],
  'readable-file': [],
  sea: [],
  errors: [],
  terminal: [],
};

/** Imports that carry types alone: the commands know the shape of what the admin port answers, never its code. */
const TYPES_ONLY: readonly (readonly [string, string])[] = [['cli', 'admin']];

/** Part with rooms → room → rooms of that part that it may import. What stands beside the rooms has the name of the part. */
const ROOMS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  // One way, with the current of a request.
  proxy: {
    proxy: ['downstream', 'exchange', 'upstream', 'fields'],
    downstream: ['exchange', 'http2', 'fields', 'websocket', 'proxy'],
    exchange: ['upstream', 'fields', 'websocket', 'proxy'],
    upstream: ['http2', 'fields', 'proxy'],
    http2: ['fields', 'proxy'],
    fields: [],
    websocket: ['proxy'],
  },
  // A request arrives, is attempted, and is written down; neither its client nor its time knows of that.
  'proxy/exchange': {
    exchange: ['arrival', 'attempt', 'client', 'record', 'time'],
    arrival: ['client', 'exchange'],
    attempt: ['client', 'time'],
    client: ['time'],
    record: ['attempt', 'client', 'exchange'],
    time: [],
  },
  // A router knows the contract of policies and never a policy.
  core: {
    core: ['router', 'policies', 'requirements', 'neighbours', 'verdict'],
    chain: ['core', 'stats'],
    router: ['core', 'policies', 'requirements', 'neighbours', 'stats', 'verdict'],
    policies: ['core', 'requirements', 'neighbours', 'stats'],
    neighbours: ['core', 'stats'],
    requirements: ['core', 'stats'],
    stats: ['core'],
    verdict: ['core'],
  },
  // What the broker says becomes messages, and messages become what is known. The cache knows no broker.
  placement: {
    placement: ['broker', 'cache', 'messages', 'source'],
    broker: ['cache', 'messages', 'placement'],
    cache: ['messages'],
    messages: ['placement'],
    source: ['cache', 'messages', 'placement'],
  },
  // A worker runs a data plane; a data plane knows no other.
  app: {
    app: ['data-plane', 'watch', 'workers'],
    workers: ['data-plane'],
    'data-plane': [],
    watch: [],
  },
  // What is kept is rows here and a file on the thread of the store; the two meet in messages.
  store: {
    store: ['file', 'rows'],
    file: ['store'],
    rows: ['store'],
  },
  // A controller and an agent know each other by messages alone; what trains for the demo knows neither.
  learning: {
    learning: ['agent', 'controller', 'messages', 'sample'],
    controller: ['messages'],
    agent: ['messages'],
    sample: [],
    messages: [],
  },
  admin: {
    admin: ['access', 'api', 'state'],
    api: ['access', 'admin', 'state'],
    access: ['admin'],
    state: [],
  },
  demo: {
    demo: ['cameras', 'emulated', 'scenes', 'screen'],
    screen: ['cameras', 'emulated', 'scenes'],
    cameras: ['scenes'],
    emulated: ['scenes'],
    scenes: [],
  },
};

/** Files that know each other; none, but for what is named here. */
const CYCLES: readonly string[] = [];

/** Files in one folder; more is a room that is missing. */
const FILES_MAX = 20;

/** Files beyond 300 lines say why in their header. */
const LINES_MAX = 300;
const LONG_REASON = 'Long because:';

/** Functions with more parameters than three and the time; none, but for what is named here, with the reason. */
const PARAMETERS_MAX = 3;
const MANY_PARAMETERS: Readonly<Record<string, string>> = {
  'admin/dashboard/views/plot-style.ts values': 'called by uPlot',
  'core/router/relative-evidence.ts ownFraction': 'four numbers for each odd answer, without an object',
  'proxy/fields/request-head.ts takeField': 'called for each field of each request, without an object',
  'proxy/upstream/http1/response-parser.ts #takeSection': 'called for each piece of each answer, without an object',
  'sim/simulation.ts #answer': 'called for each simulated attempt, without an object',
};

let sources: readonly SourceFile[] = [];
beforeAll(() => {
  sources = readSources();
});

const partOf = (path: string): string => (path.split('/')[0] ?? '').replace(/\.tsx?$/, '');

interface Edge extends SourceImport {
  readonly file: string;
}

const edges = (): Edge[] =>
  sources.flatMap(({ file, imports }) =>
    imports.filter(({ target }) => /\.tsx?$/.test(target)).map((one) => ({ ...one, file })),
  );

/** What breaks `rules`, and which rules nothing needs. */
function held(rules: Readonly<Record<string, readonly string[]>>, roomOf: (path: string) => string | null) {
  const used = new Set<string>();
  const broken: string[] = [];
  for (const { file, target } of edges()) {
    const [from, to] = [roomOf(file), roomOf(target)];
    if (from === null || to === null || from === to) continue;
    if (rules[from]?.includes(to) === true) used.add(`${from} → ${to}`);
    else broken.push(`${file} → ${target}`);
  }
  const all = Object.entries(rules).flatMap(([from, rooms]) => rooms.map((to) => `${from} → ${to}`));
  return { broken, unused: all.filter((rule) => !used.has(rule)) };
}

/** Room of a path inside `part`; null: outside, or in the dashboard, which has a rule of its own. */
const inside =
  (part: string) =>
  (path: string): string | null => {
    if (!path.startsWith(`${part}/`) || path.startsWith(DASHBOARD)) return null;
    const [room = '', deeper] = path.slice(part.length + 1).split('/');
    return deeper === undefined ? (part.split('/').at(-1) ?? part) : room;
  };

describe('the house', () => {
  it('imports only along the plan', () => {
    expect(held(PARTS, partOf)).toEqual({ broken: [], unused: [] });
  });

  it('takes only types from where only types are allowed', () => {
    const wrong = edges().filter(
      ({ file, target, kind }) =>
        kind !== 'type' && TYPES_ONLY.some(([from, to]) => partOf(file) === from && partOf(target) === to),
    );
    expect(wrong).toEqual([]);
  });

  it.each(Object.entries(ROOMS))('keeps the rooms of %s apart', (part, rules) => {
    expect(held(rules, inside(part))).toEqual({ broken: [], unused: [] });
  });

  it('keeps a router from knowing a policy', () => {
    const policies = edges().filter(
      ({ file, target }) =>
        file.startsWith('core/router/') && /^core\/policies\/(?!(?:policy|lateness)\.ts)/.test(target),
    );
    expect(policies).toEqual([]);
  });

  it('loads the planners and what learns by their commands alone', () => {
    const statically = new Map(
      sources.map(({ file, imports }) => [
        file,
        imports.flatMap(({ target, kind }) => (kind === 'value' ? target : [])),
      ]),
    );
    const reached = new Set<string>();
    const visit = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const target of statically.get(file) ?? []) visit(target);
    };
    for (const file of [
      'main.ts',
      'cli/commands/run.ts',
      'cli/service/run-service.ts',
      'app/workers/worker.ts',
      'store/thread.ts',
    ])
      visit(file);
    expect([...reached].filter((file) => /^(?:plan|learning|scenario|sim)\//.test(file))).toEqual([]);
    expect(reached.has('app/app.ts')).toBe(true);
  });

  it('keeps the dashboard to types, and to the words for people', () => {
    const wrong = edges().filter(
      ({ file, target, kind }) =>
        file.startsWith(DASHBOARD) && !target.startsWith(DASHBOARD) && kind !== 'type' && target !== 'core/standing.ts',
    );
    expect(wrong).toEqual([]);
    expect(edges().filter(({ file, target }) => !file.startsWith(DASHBOARD) && target.startsWith(DASHBOARD))).toEqual(
      [],
    );
  });

  it('has no cycle, not even of types', () => {
    expect(cycles().map((files) => files.join(' ↔ '))).toEqual(CYCLES);
  });

  it('holds at most twenty files a folder', () => {
    const counts = new Map<string, number>();
    for (const { file } of sources) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > FILES_MAX)).toEqual([]);
  });

  it('says why where a file is long', () => {
    const long = sources.filter(({ lines, header }) => lines > LINES_MAX && !header.includes(LONG_REASON));
    expect(long.map(({ file, lines }) => `${file}: ${lines}`)).toEqual([]);
    const needless = sources.filter(({ lines, header }) => lines <= LINES_MAX && header.includes(LONG_REASON));
    expect(needless.map(({ file }) => file)).toEqual([]);
  });

  it('says what each export means that another folder uses', () => {
    const uses = edges().flatMap(({ file, target, names }) =>
      dirname(file) === dirname(target) ? [] : names.map((name) => `${target} ${name}`),
    );
    const bare = sources.flatMap(({ file, exports }) =>
      exports.filter(({ documented }) => !documented).map(({ name }) => `${file} ${name}`),
    );
    expect(bare.filter((one) => uses.includes(one))).toEqual([]);
  });

  it('gives a function three parameters and the time, else options', () => {
    const many = sources.flatMap(({ file, functions }) =>
      functions.filter(({ parameters }) => parameters > PARAMETERS_MAX).map(({ name }) => `${file} ${name}`),
    );
    expect(many.sort()).toEqual(Object.keys(MANY_PARAMETERS).sort());
  });

  it.each(['core', 'sim'])('keeps %s free of node, libraries, clocks and ambient randomness', (part) => {
    const outside = sources
      .filter(({ file }) => partOf(file) === part)
      .flatMap(({ file, imports }) =>
        imports.map(({ target }) => `${file} → ${target}`).filter((one) => !one.endsWith('.ts')),
      );
    expect(outside).toEqual([]);
    const ambient =
      /\bDate\b|\bperformance\b|Math\.random|\bset(?:Timeout|Interval|Immediate)\b|\bprocess\b\.|\bimport\(/;
    const impure = readdirSync(join(SRC, part), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) =>
        readFileSync(join(SRC, part, name), 'utf8')
          .split('\n')
          .map((line, i) => ({ at: `${part}/${name}:${i + 1}`, line: line.replace(/\/\/.*|^\s*\*.*/, '') }))
          .filter(({ line }) => ambient.test(line)),
      );
    expect(impure).toEqual([]);
  });
});

/** Files that reach themselves by imports, each ring once (Tarjan's strongly connected components). */
function cycles(): string[][] {
  const targets = new Map(sources.map(({ file, imports }) => [file, imports.map(({ target }) => target)]));
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const rings: string[][] = [];
  const visit = (file: string): void => {
    index.set(file, index.size);
    low.set(file, index.size - 1);
    stack.push(file);
    for (const target of targets.get(file) ?? []) {
      if (!targets.has(target)) continue;
      if (!index.has(target)) visit(target);
      if (stack.includes(target)) low.set(file, Math.min(low.get(file) ?? 0, low.get(target) ?? 0));
    }
    if (low.get(file) !== index.get(file)) return;
    const ring = stack.splice(stack.indexOf(file));
    if (ring.length > 1) rings.push(ring.sort());
  };
  for (const file of targets.keys()) if (!index.has(file)) visit(file);
  return rings;
}
