// requires: promtool
// The metrics of the running demo, as Prometheus would take them, and everything that is written about them.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBench } from '../store/store-fixture.ts';
import { type DemoProcess, startDemo } from '../support/demo-process.ts';
import { textOf } from '../support/metrics.ts';
import { PATIENCE } from '../support/patience.ts';

const ROOT = resolve(import.meta.dirname, '../..');

let demo: DemoProcess;
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'qedge-metrics-'));
  demo = await startDemo('--no-story', '--clients', '4');
});

afterAll(async () => {
  await demo?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

const scrape = async (): Promise<string> => (await fetch(`${demo.url}/metrics`)).text();

/** Families that the text declares, histograms with the names of their samples. */
function namesIn(text: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [, name = '', kind] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    names.add(name);
    if (kind === 'histogram') for (const suffix of ['bucket', 'sum', 'count']) names.add(`${name}_${suffix}`);
  }
  return names;
}

interface Dashboard {
  readonly uid: string;
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: { readonly query?: string } }[];
  };
  readonly panels: readonly {
    readonly id: number;
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}

const GRAFANA = join(ROOT, 'config/grafana');
const PROMETHEUS = join(ROOT, 'config/prometheus');
const dashboards = readdirSync(GRAFANA).map(
  (name) => JSON.parse(readFileSync(join(GRAFANA, name), 'utf8')) as Dashboard,
);
const expressions = dashboards.flatMap(({ panels }) =>
  panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
);
const rules = readFileSync(join(PROMETHEUS, 'qedge.rules.yml'), 'utf8').replaceAll(/^ *#.*$/gm, '');

/** What Prometheus adds; a label `instance` of ours it keeps under the other name. */
const ADDED = ['job', 'instance', 'exported_instance', 'le'];

/** Label names by the metric that carries them, for those of which there are samples. */
function labelsIn(text: string): ReadonlyMap<string, ReadonlySet<string>> {
  const labels = new Map<string, Set<string>>();
  for (const [, name = '', pairs = ''] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const known = labels.get(name) ?? new Set(ADDED);
    for (const [, label = ''] of pairs.matchAll(/(\w+)="/g)) known.add(label);
    labels.set(name, known);
  }
  return labels;
}

/** Metrics that a text of expressions asks for, each with the labels that it is asked for by. */
function askedIn(text: string): readonly (readonly [string, readonly string[]])[] {
  const asked = text.matchAll(/(?<![:\w])((?:qedge|process|nodejs)_\w+)(?![\w:])(?:\{([^}]*)\})?/g);
  return [...asked].map(([, name = '', matchers = '']) => [
    name,
    [...matchers.matchAll(/(\w+) *(?:=~|!~|!=|=)/g)].map(([, label = '']) => label),
  ]);
}

/** Of a store, which the demo has none of. */
async function storeMetrics(): Promise<string> {
  const { store, metrics } = openBench(join(scratch, 'state.db'));
  await store.load();
  await store.close();
  return textOf(metrics);
}

describe('the metrics of a running qedge', () => {
  it('satisfy promtool as a whole', async () => {
    const input = await scrape();
    expect(execFileSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' })).toBe('');
  });

  it('count the requests that the cameras send', async () => {
    const sent = async (): Promise<number> =>
      Number(/^qedge_requests_total\{service="pilotnet",code="200"\} (\d+)$/m.exec(await scrape())?.[1] ?? 0);
    await expect.poll(sent, PATIENCE).toBeGreaterThan(20);
  });

  it('are what dashboards, rules and alerts ask for, by the labels that there are', async () => {
    const exposed = `${await scrape()}${await storeMetrics()}`;
    const [known, labels] = [namesIn(exposed), labelsIn(exposed)];
    const queries = dashboards.flatMap(({ templating }) => templating.list.map(({ query }) => query.query ?? ''));
    const asked = askedIn([...expressions, ...queries, rules].join('\n'));
    expect(asked.length).toBeGreaterThan(80);
    expect(asked.map(([name]) => name).filter((name) => !known.has(name))).toEqual([]);
    const wrong = asked.flatMap(([name, by]) =>
      by.filter((label) => labels.get(name)?.has(label) === false).map((label) => `${name} ${label}`),
    );
    expect(wrong).toEqual([]);
  });

  it('are grouped, and shown in legends, by labels that there are', async () => {
    const exposed = `${await scrape()}${await storeMetrics()}`;
    const all = new Set([...labelsIn(exposed).values(), ['reason', 'source', ...ADDED]].flatMap((one) => [...one]));
    const legends = dashboards.flatMap(({ panels }) =>
      panels.flatMap(({ targets = [] }) =>
        targets.flatMap(({ legendFormat }) => [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)]),
      ),
    );
    const inRules = [...rules.matchAll(/\$labels\.(\w+)/g)];
    const groups = [...[...expressions, rules].join('\n').matchAll(/\b(?:by|on) *\(([^)]*)\)/g)].map(([, list = '']) =>
      list.split(/, */),
    );
    const used = [...[...legends, ...inRules].map(([, label = '']) => label), ...groups.flat()];
    expect([...new Set(used)].filter((label) => !all.has(label))).toEqual([]);
  });

  it('alert when they should, by the tests of the rules', () => {
    const promtool = (...words: string[]): string =>
      execFileSync('promtool', words, { cwd: PROMETHEUS, encoding: 'utf8' });
    expect(promtool('check', 'rules', 'qedge.rules.yml')).toContain('SUCCESS');
    expect(promtool('test', 'rules', 'qedge.test.yml')).toContain('SUCCESS');
    const alerts = [...rules.matchAll(/alert: (\w+)/g)].map(([, name = '']) => name);
    const tests = readFileSync(join(PROMETHEUS, 'qedge.test.yml'), 'utf8');
    // Each is silent while all is well, and said once it is not.
    expect(
      alerts.filter((name) => !new RegExp(`alertname: ${name}\\n *eval_time: .*\\n *exp_alerts`).test(tests)),
    ).toEqual([]);
  });

  it('are shown on dashboards whose panels and variables have names of their own', () => {
    for (const { panels, templating, uid } of dashboards) {
      expect(new Set(panels.map(({ id }) => id)).size, uid).toBe(panels.length);
      const variables = templating.list.map(({ name }) => name);
      expect(variables).toContain('node');
      const used = JSON.stringify({ panels, templating }).matchAll(/\$(\w+)|\$\{(\w+)\}/g);
      const unknown = [...used]
        .map(([, plain, inBraces]) => plain ?? inBraces ?? '')
        .filter((name) => !variables.includes(name) && name !== '__all');
      expect(unknown).toEqual([]);
    }
  });

  it('are asked for in expressions that Prometheus can parse', () => {
    const records = expressions.map((expr, i) => ({ record: `asked:${i}`, expr: expr.replaceAll(/\$\w+/g, '.+') }));
    const file = join(scratch, 'rules.yml');
    // JSON is YAML.
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'grafana', rules: records }] }));
    const said = execFileSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
    expect(said).toContain(`${records.length} rules found`);
  });

  it('are what the README lists, none missing and none too many', async () => {
    const section =
      /## Metrics\n([\s\S]*?)\n## /.exec(readFileSync(join(ROOT, 'src/admin/README.md'), 'utf8'))?.[1] ?? '';
    const listed = new Set([...section.matchAll(/`(qedge_\w+)`/g)].map(([, name]) => name));
    const own = [...namesIn(await scrape())].filter(
      (name) => /^qedge_/.test(name) && !/_(bucket|sum|count)$/.test(name),
    );
    expect(own.filter((name) => !listed.has(name))).toEqual([]);
    // The demo keeps nothing on disk and traces nothing, so it has no metrics of either.
    const absent = [...listed].filter((name) => !own.includes(name ?? ''));
    expect(absent.filter((name) => !/^qedge_(store|trace)_/.test(name ?? ''))).toEqual([]);
  });
});
