import { describe, expect, it } from 'vitest';
import { runExperiment } from '../../src/sim/experiment.ts';
import { aggregate } from '../../src/sim/report/aggregate.ts';
import { barChart, lineChart, ticks } from '../../src/sim/report/chart.ts';
import { toCsv, toJson } from '../../src/sim/report/data-files.ts';
import { toHtml } from '../../src/sim/report/html.ts';
import { resultTable } from '../../src/sim/report/text-table.ts';
import { smallScenario, twoNodes } from './support.ts';

const scenario = smallScenario({
  name: 'small <b>&',
  events: [{ kind: 'hang', atMs: 5_000, instance: 'i1', forMs: 5_000 }],
});
const policies = ['qedge', 'round-robin'];
const PROVENANCE = { command: "qedge simulate small.toml --policy 'a b'", version: '1.2.3', commit: 'abc' };
const results = runExperiment({ scenario, policies, seeds: [1, 2], regret: true });

describe('an experiment', () => {
  it('has one result a policy and seed, and the oracle only where it was asked for', () => {
    expect(results.map(({ policy, seed }) => `${policy} ${seed}`)).toEqual([
      'qedge 1',
      'round-robin 1',
      'qedge 2',
      'round-robin 2',
    ]);
  });

  it('comes out the same again, to the last bit', () => {
    expect(runExperiment({ scenario, policies, seeds: [1, 2], regret: true })).toEqual(results);
  });

  it('measures regret against an oracle that leaves the hung instance at once', () => {
    for (const { metrics } of results.filter(({ policy }) => policy === 'round-robin')) {
      expect(metrics.regretRequests).toBeGreaterThan(50);
    }
  });

  it('reports how far it is, up to the end', () => {
    const ratios: number[] = [];
    const onProgress = ({ ratio }: { ratio: number }): void => void ratios.push(ratio);
    runExperiment({ scenario, policies: ['round-robin'], seeds: [1, 2], regret: false, onProgress });
    expect(ratios).toEqual(ratios.toSorted((a, b) => a - b));
    expect(ratios.at(-1)).toBeGreaterThan(0.9);
    expect(Math.max(...ratios)).toBeLessThanOrEqual(1);
  });
});

describe('the results', () => {
  it('name the worst seed beside the mean', () => {
    const [qedge] = aggregate(results);
    const own = results.filter(({ policy }) => policy === 'qedge').map(({ metrics }) => metrics.successRatio);
    expect(qedge?.success.worst).toBe(Math.min(...own));
    expect(qedge?.success.mean).toBeCloseTo((Math.min(...own) + Math.max(...own)) / 2);
  });

  it('are a table with a line a policy and another for what happened', () => {
    const lines = resultTable({ ...scenario, description: 'what happens' }, results, 1_000).split('\n');
    expect(lines.slice(0, 3)).toEqual([
      'small <b>&: what happens',
      'Goal: 90.0 % of requests within 80 ms over 10 s. Load × 1, 20 s, jitter 0.5 ms, 2 seeds from 1: their mean, the worst one in brackets.',
      '',
    ]);
    expect(lines[3]).toMatch(/^policy +satisfied +strictly/);
    expect(lines.filter((line) => line.startsWith('qedge'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('hang i1'))).toHaveLength(2);
  });

  it('keep within a narrow terminal', () => {
    const longest = Math.max(
      ...resultTable(scenario, results, 60)
        .split('\n')
        .map(({ length }) => length),
    );
    expect(longest).toBeLessThanOrEqual(60);
  });

  it('are CSV as RFC 4180 has it', () => {
    const lines = toCsv({ ...scenario, name: 'a "b", c' }, results).split('\r\n');
    expect(lines).toHaveLength(6);
    expect(lines[0]).toMatch(/^scenario,load,policy,seed,requests,/);
    expect(lines[1]).toMatch(/^"a ""b"", c",1,qedge,1,1200,/);
    expect(
      new Set(lines.slice(0, 5).map((line) => line.replace(/"[^"]*(""[^"]*)*"/g, '').split(',').length)).size,
    ).toBe(1);
  });

  it('are JSON in which for ever is null', () => {
    const parsed = JSON.parse(toJson(scenario, results, PROVENANCE));
    expect(parsed.provenance).toEqual(PROVENANCE);
    expect(parsed.results).toHaveLength(4);
    expect(parsed.scenario.clients[0].untilMs).toBeNull();
  });

  it('are one HTML page that asks for nothing and lets no name be markup', () => {
    const html = toHtml(scenario, results, PROVENANCE);
    expect(html).toContain(`<code>${PROVENANCE.command}</code>`);
    expect(html).toContain('qedge 1.2.3 (abc)');
    expect(html).not.toMatch(/(?:src|href)=|@import|url\(|https?:/);
    expect(html).toContain('small &lt;b&gt;&amp;');
    expect(html).not.toContain('small <b>');
    // Rolling success, clients, instances, latency, two load balancers… of which all have an instance here: one; regret.
    expect(html.match(/<svg /g)).toHaveLength(6);
    expect(html.match(/class="series line s1"/g)).toHaveLength(3);
  });
});

describe('the page of the results', () => {
  const html = toHtml(scenario, results, PROVENANCE);

  it('has words on the left, and the worst seed below the mean', () => {
    expect(html).toContain('<td class="word" data-value="qedge">qedge</td>');
    expect(html).toMatch(/<td data-value="[\d.]+">[\d.]+ % <small>\([\d.]+ %\)<\/small><\/td>/);
  });

  it('draws the success of clients over the whole width, of one alone too', () => {
    const alone = smallScenario({
      topology: twoNodes(),
      clients: scenario.clients.map((one) => ({ ...one, each: 1 })),
    });
    const one = toHtml(alone, runExperiment({ scenario: alone, policies, seeds: [1], regret: false }), PROVENANCE);
    for (const page of [html, one]) {
      const plot = page.split('<figure>').find((text) => text.includes('Success per client')) ?? '';
      expect(plot.match(/ d="M66 [^"]*L848 [^"]*"/g)).toHaveLength(2);
    }
  });
});

describe('a chart', () => {
  const lines = (marks: readonly { x: number; label: string }[]): string =>
    lineChart({ series: [], xLabel: '', yLabel: '', xMax: 100, yMin: 0, yMax: 1, formatY: String, marks });

  it('writes what happened beside its moment, none over another and none beyond the edge', () => {
    const svg = lines([
      { x: 10, label: 'crash i1' },
      { x: 11, label: 'crash i2' },
      { x: 50, label: 'back' },
      { x: 99, label: 'crash i3' },
    ]);
    const texts = [...svg.matchAll(/<text( class="end")? x="([\d.]+)" y="(\d+)">(?:crash|back)/g)];
    expect(texts.map(([, end, x, y]) => [end ?? '', Number(x), Number(y)])).toEqual([
      ['', 148.2, 255],
      ['', 156, 242],
      ['', 461, 255],
      [' class="end"', 836.2, 255],
    ]);
  });

  it('names as many instances as there is room for', () => {
    const names = (count: number): number => {
      const groups = Array.from({ length: count }, (_, i) => `i${i}`);
      const svg = barChart({ groups, series: [], yLabel: '', formatY: String });
      return [...svg.matchAll(/>i\d+</g)].length;
    };
    expect([names(10), names(33)]).toEqual([10, 33]);
    expect(names(330)).toBeLessThan(40);
  });
});

describe('axes', () => {
  it('have round ticks within their bounds', () => {
    expect(ticks(0, 180, 8)).toEqual([0, 50, 100, 150]);
    expect(ticks(0.85, 1, 6)).toEqual([0.85, 0.9, 0.95, 1]);
    expect(ticks(0, 0, 6)).toEqual([0]);
  });
});
