// The report: one HTML file that needs nothing else, with tables and plots of everything that was run. Reads in light and dark;
// the legend switches policies on and off in all plots at once.

import type { RunResult } from '../experiment.ts';
import { disturbancesOf } from '../results/disturbances.ts';
import type { Scenario } from '../scenario.ts';
import { aggregate } from './aggregate.ts';
import { barChart, escapeXml, type LineChart, lineChart } from './chart.ts';
import { type Column, DISTURBANCE_COLUMNS, disturbancesOfAll, resultColumns } from './columns.ts';
import { factsOf, type Provenance } from './facts.ts';
import { REPORT_SCRIPT, REPORT_STYLE } from './page.ts';

/** The report as one page, without anything loaded from elsewhere. */
export function toHtml(scenario: Scenario, results: readonly RunResult[], provenance: Provenance): string {
  const policies = [...new Set(results.map(({ policy }) => policy))];
  const rows = aggregate(results);
  const disturbances = disturbancesOfAll(rows);
  const plots = plotsOf(scenario, results, policies);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeXml(scenario.name)} – qedge simulation</title>
<style>${REPORT_STYLE}</style>
<main>
<h1>${escapeXml(scenario.name)}</h1>
<p>${escapeXml(scenario.description)}</p>
<p class="facts">${escapeXml(factsOf(scenario, results))}</p>
${provenanceOf(provenance, results)}
<h2>Results</h2>
${table(resultColumns(rows), rows)}
${disturbances.length === 0 ? '' : `<h2>Events</h2>${table(DISTURBANCE_COLUMNS, disturbances)}`}
<div class="legend" aria-label="policies">${policies.map((policy, style) => `<button type="button" class="s${style}" data-series="s${style}" aria-pressed="true"><i></i>${escapeXml(policy)}</button>`).join('')}</div>
${plots.map(({ title, about, svg }) => `<figure><h2>${escapeXml(title)}</h2><div class="scroll">${svg}</div><figcaption>${escapeXml(about)}</figcaption></figure>`).join('\n')}
</main>
<script>${REPORT_SCRIPT}</script>
</html>
`;
}

function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const head = columns
    .map((column) => {
      const kind = rows.some((row) => isWord(column, row)) ? ' class="word"' : '';
      return `<th${kind} title="${escapeXml(column.about)}"><button type="button">${escapeXml(column.title)}</button></th>`;
    })
    .join('');
  const body = rows.map((row) => `<tr>${columns.map((column) => cell(column, row)).join('')}</tr>`).join('\n');
  const key = columns.map(({ title, about }) => `<dt>${escapeXml(title)}</dt><dd>${escapeXml(about)}</dd>`).join('');
  return (
    `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>` +
    `<details><summary>What the columns say</summary><dl>${key}</dl></details>`
  );
}

function cell<Row>(column: Column<Row>, row: Row): string {
  const isText = isWord(column, row);
  const text = escapeXml(column.text(row));
  // The worst seed goes below the mean, or the table is twice as wide.
  const shown = isText ? text : text.replace(/ (\(.*\))$/, ' <small>$1</small>');
  return `<td${isText ? ' class="word"' : ''} data-value="${escapeXml(String(column.value(row)))}">${shown}</td>`;
}

const isWord = <Row>({ value }: Column<Row>, row: Row): boolean => typeof value(row) === 'string';

function provenanceOf({ command, version, commit }: Provenance, results: readonly RunResult[]): string {
  const seeds = [...new Set(results.map(({ seed }) => seed))].join(', ');
  return `<dl class="provenance">
<dt>command</dt><dd><code>${escapeXml(command)}</code></dd>
<dt>version</dt><dd>qedge ${escapeXml(version)} (${escapeXml(commit)})</dd>
<dt>seeds</dt><dd>${seeds}</dd>
</dl>`;
}

interface Plot {
  readonly title: string;
  readonly about: string;
  readonly svg: string;
}

function plotsOf(scenario: Scenario, results: readonly RunResult[], policies: readonly string[]): Plot[] {
  const runsOf = (policy: string): RunResult[] => results.filter((result) => result.policy === policy);
  const firstSeed = results[0]?.seed;
  const firsts = policies.flatMap((policy, style) =>
    results
      .filter((result) => result.policy === policy && result.seed === firstSeed)
      .map((result) => ({ ...result, style })),
  );
  const of = firsts.length === results.length ? '' : ` Seed ${firstSeed}.`;
  return [
    rollingPlot(
      scenario,
      policies.map((policy, style) => ({ policy, style, runs: runsOf(policy) })),
    ),
    clientsPlot(
      scenario,
      policies.map((policy, style) => ({ policy, style, runs: runsOf(policy) })),
    ),
    {
      title: 'Requests per instance',
      about: `Requests per second that came to each instance, on average over the run.${of}`,
      svg: barChart({
        groups: firsts[0]?.instances ?? [],
        series: firsts.map(({ policy, style, series }) => ({ name: policy, style, values: series.instanceRates })),
        yLabel: 'requests / s',
        formatY: (y) => trim(y, 1),
      }),
    },
    {
      title: 'Processing latency per instance',
      about: `90th percentile of what an instance takes, queueing included; bars end at twice the limit.${of}`,
      svg: barChart({
        groups: firsts[0]?.instances ?? [],
        series: firsts.map(({ policy, style, series }) => ({ name: policy, style, values: series.instanceP90Ms })),
        yLabel: 'p90, ms',
        formatY: (y) => trim(y, 1),
        yCut: 2 * scenario.qos.latencyMs,
      }),
    },
    ...balancerPlots(firsts, of),
    ...regretPlot(
      scenario,
      policies.map((policy, style) => ({ policy, style, runs: runsOf(policy) })),
    ),
  ];
}

interface PolicyRuns {
  readonly policy: string;
  readonly style: number;
  readonly runs: readonly RunResult[];
}

function marksOf(scenario: Scenario): { x: number; label: string }[] {
  return disturbancesOf(scenario).map(({ atS, label }) => ({ x: atS, label }));
}

function rollingPlot(scenario: Scenario, all: readonly PolicyRuns[]): Plot {
  const series = all.map(({ policy, style, runs }) => ({
    name: policy,
    style,
    points: meanBySecond(runs.map(({ series: { rollingSuccess } }) => rollingSuccess)),
  }));
  return {
    title: 'Rolling success',
    about: 'Share of requests within the limit over the last 10 s, mean over the seeds. Dashed: the goal.',
    svg: lineChart({
      series,
      xLabel: 'time, s',
      xMax: scenario.durationMs / 1_000,
      ...successAxis(series, scenario),
      marks: marksOf(scenario),
    }),
  };
}

function clientsPlot(scenario: Scenario, all: readonly PolicyRuns[]): Plot {
  const series = all.map(({ policy, style, runs }) => {
    const clients = runs.flatMap((run) => run.series.clients).sort((a, b) => a - b);
    return {
      name: policy,
      style,
      // Each has its share of the width, so that one alone is a line too.
      points: clients.flatMap((ratio, i) => {
        const at = (100 * (i + 0.5)) / clients.length;
        const ends = [...(i === 0 ? [0] : []), at, ...(i === clients.length - 1 ? [100] : [])];
        return ends.map((x) => [x, ratio] as const);
      }),
    };
  });
  return {
    title: 'Success per client',
    about:
      'Clients from the worst to the best served. Dashed: the goal; a policy satisfies the clients to the right of where it crosses.',
    svg: lineChart({
      series,
      xLabel: 'clients, %',
      xMax: 100,
      ...successAxis(series, scenario),
    }),
  };
}

function balancerPlots(firsts: readonly (RunResult & { style: number })[], of: string): Plot[] {
  const example = firsts[0];
  if (example === undefined) return [];
  return [true, false].flatMap((local) => {
    const balancer = example.localInstance.indexOf(local);
    if (balancer < 0 || example.balancers.length < 2) return [];
    return [
      {
        title: `Where ${example.balancers[balancer]} sends, a load balancer ${local ? 'with' : 'without'} an instance of its own`,
        about: `Share of its requests by instance.${of}`,
        svg: barChart({
          groups: example.instances,
          series: firsts.map(({ policy, style, series }) => ({
            name: policy,
            style,
            values: series.balancerShares[balancer] ?? [],
          })),
          yLabel: 'share',
          formatY: share,
        }),
      },
    ];
  });
}

function regretPlot(scenario: Scenario, all: readonly PolicyRuns[]): Plot[] {
  const series = all.flatMap(({ policy, style, runs }) => {
    const regrets = runs.flatMap(({ series: { cumulativeRegret } }) =>
      cumulativeRegret === null ? [] : [cumulativeRegret],
    );
    return regrets.length === 0 ? [] : [{ name: policy, style, points: meanBySecond(regrets) }];
  });
  if (series.length === 0) return [];
  const values = series.flatMap(({ points }) => points.map(([, y]) => y));
  return [
    {
      title: 'Regret',
      about:
        'Requests lost so far against the oracle: a central allocation that knows everything and changes it with the world. Mean over the seeds.',
      svg: lineChart({
        series,
        xLabel: 'time, s',
        yLabel: 'requests',
        xMax: scenario.durationMs / 1_000,
        yMin: Math.min(0, ...values),
        yMax: Math.max(1, ...values),
        formatY: (y) => trim(y, 0),
        marks: marksOf(scenario),
      }),
    },
  ];
}

/** Mean of the runs, second by second; seconds without a value in any are left out. */
function meanBySecond(runs: readonly (readonly (number | null)[])[]): (readonly [number, number])[] {
  return (runs[0] ?? []).flatMap((_, s) => {
    const values = runs.flatMap((run) => run[s] ?? []);
    return values.length === 0 ? [] : [[s + 1, values.reduce((a, x) => a + x, 0) / values.length] as const];
  });
}

/** Success from a round lower edge, below all values and the goal, to 1; the goal is drawn across. */
function successAxis(
  series: LineChart['series'],
  { qos }: Scenario,
): Pick<LineChart, 'yLabel' | 'yMin' | 'yMax' | 'formatY' | 'level'> {
  const values = series.flatMap(({ points }) => points.map(([, y]) => y));
  const goal = qos.successRatio;
  return { yLabel: 'success', yMin: floorOf(values, goal), yMax: 1, formatY: share, level: goal };
}

/** A round lower edge that shows all values and the goal. */
function floorOf(values: readonly number[], goal: number): number {
  // A loop: clients of many seeds are more than a call takes arguments.
  const least = values.reduce((a, x) => Math.min(a, x), goal);
  return Math.max(0, Math.floor((least - 0.02) * 20) / 20);
}

function share(ratio: number): string {
  return `${trim(100 * ratio, 2)} %`;
}

function trim(value: number, digits: number): string {
  return Number(value.toFixed(digits)).toString();
}
