// requires: promtool
// The metrics of the running demo, as Prometheus would take them, and everything that is written about them.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DemoProcess, startDemo } from '../support/demo-process.ts';
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
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

const grafana = JSON.parse(readFileSync(join(ROOT, 'config/grafana-dashboard.json'), 'utf8')) as Dashboard;
const expressions = grafana.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

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

  it('are what the Grafana dashboard asks for', async () => {
    const known = namesIn(await scrape());
    const asked = new Set(expressions.flatMap((expr) => expr.match(/\b(?:qedge|process|nodejs)_\w+/g) ?? []));
    expect([...asked].filter((name) => !known.has(name))).toEqual([]);
  });

  it('are asked for in expressions that Prometheus can parse', () => {
    const rules = expressions.map((expr, i) => ({
      record: `asked:${i}`,
      expr: expr.replaceAll('$job', '.+').replaceAll('$service', '.+'),
    }));
    const file = join(scratch, 'rules.yml');
    // JSON is YAML.
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'grafana', rules }] }));
    const said = execFileSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
    expect(said).toContain(`${rules.length} rules found`);
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
