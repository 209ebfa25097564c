// A plan as one HTML file that needs nothing else: a map by round trips, and the tables.

import { escapeXml } from '../../sim/report/chart.ts';
import { REPORT_SCRIPT, REPORT_STYLE } from '../../sim/report/page.ts';
import type { NodeCoverage } from './coverage.ts';
import { type Label, labelsOf, type Mark } from './labels.ts';
import { outline, type Point } from './outline.ts';
import type { PlacementPlan } from './plan.ts';
import { headline, trialFacts, trialTexts, way } from './report.ts';
import { type PlacementTask, rttOf } from './task.ts';
import type { TrialOptions } from './trial.ts';

const WIDTH = 860;
const HEIGHT = 560;
const MARGIN = 70;

export interface PageOptions extends TrialOptions {
  readonly title: string;
  /** The command, as it was typed. */
  readonly command: string;
}

/** The whole page, with nothing loaded from elsewhere. */
export function planPage(task: PlacementTask, plan: PlacementPlan, options: PageOptions): string {
  const sentences = headline(task, plan).map((text) => `<p>${escapeXml(text)}</p>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeXml(options.title)} – qedge placement</title>
<style>${REPORT_STYLE}
.way{stroke:var(--faint);stroke-width:1;opacity:.5}figcaption{margin-top:6px}
.dot{fill:var(--faint)}.center .dot{fill:#0072b2}.center text{font-weight:600}.out .dot{fill:#d55e00}
@media (prefers-color-scheme:dark){.center .dot{fill:#56b4e9}.out .dot{fill:#e69f00}}
</style>
<main>
<h1>${escapeXml(options.title)}</h1>
${sentences.join('\n')}
<p class="facts"><code>${escapeXml(options.command)}</code></p>
<figure><div class="scroll">${map(task, plan)}</div>
<figcaption>Nodes as far from one another as their round trips allow on a plane; squares carry an instance, a line leads to the nearest one,
the size is what clients ask for. Names without room appear under the pointer. Orange: no instance in reach.</figcaption></figure>
<h2>Nodes</h2>
<p class="facts">* carries an instance</p>
${table(['node', 'requests/s', 'nearest', 'second', 'in reach'], nodeRows(task, plan))}
<h2>Simulation</h2>
<p class="facts">${escapeXml(trialFacts(task, options))}</p>
${table(['instances', 'clients satisfied', 'in time'], trialRows(task, plan))}
</main>
<script>${REPORT_SCRIPT}</script>
</html>
`;
}

function map(task: PlacementTask, { placement, coverage }: PlacementPlan): string {
  const points = scaled(outline(task.rttMs, task.nodes.length));
  const most = Math.max(...task.rates, 1e-9);
  const at = (node: number): Point => points[node] as Point;
  const ways = coverage.nodes.flatMap(({ node, nearest }) => {
    if (nearest === null || nearest === node || !Number.isFinite(rttOf(task, node, nearest))) return [];
    return [`<line class="way" x1="${at(node).x}" y1="${at(node).y}" x2="${at(nearest).x}" y2="${at(nearest).y}"/>`];
  });
  const marks = task.nodes.map((name, node): Mark => {
    const size = 3 + 4 * Math.sqrt((task.rates[node] as number) / most);
    return { ...at(node), size, name, important: placement.includes(node) };
  });
  const labels = labelsOf(marks);
  // Instances last: above what is near them.
  const order = [...marks.keys()].sort((a, b) => Number(placement.includes(a)) - Number(placement.includes(b)));
  const drawn = order.map((node) => {
    const { nearest, inReach } = coverage.nodes[node] as NodeCoverage;
    const rate = task.rates[node] as number;
    const name = escapeXml(task.nodes[node] as string);
    const title = `<title>${name}: ${rate.toFixed(1)} requests/s, nearest ${escapeXml(way(task, node, nearest))}</title>`;
    const classes = `${placement.includes(node) ? 'center' : ''}${inReach === 0 && rate > 0 ? ' out' : ''}`;
    return `<g class="${classes}">${title}${shape(marks[node] as Mark)}${text(labels[node] ?? null, name)}</g>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="map of the nodes">${ways.join('')}${drawn.join('')}</svg>`;
}

function shape({ x, y, size, important }: Mark): string {
  if (!important) return `<circle class="dot" cx="${x}" cy="${y}" r="${round(size)}"/>`;
  const side = round(2 * size);
  return `<rect class="dot" x="${round(x - size)}" y="${round(y - size)}" width="${side}" height="${side}" rx="2"/>`;
}

function text(label: Label | null, name: string): string {
  if (label === null) return '';
  return `<text x="${round(label.x)}" y="${round(label.y)}" text-anchor="${label.anchor}">${name}</text>`;
}

/** Into the picture, one scale for both axes. */
function scaled(points: readonly Point[]): Point[] {
  const span = (values: readonly number[]): { low: number; length: number } => ({
    low: Math.min(...values),
    length: Math.max(1e-9, Math.max(...values) - Math.min(...values)),
  });
  const [x, y] = [span(points.map((point) => point.x)), span(points.map((point) => point.y))];
  const scale = Math.min((WIDTH - 2 * MARGIN) / x.length, (HEIGHT - 2 * MARGIN) / y.length);
  const offset = { x: (WIDTH - scale * x.length) / 2, y: (HEIGHT - scale * y.length) / 2 };
  return points.map((point) => ({
    x: round(offset.x + scale * (point.x - x.low)),
    y: round(offset.y + scale * (point.y - y.low)),
  }));
}

function nodeRows(task: PlacementTask, { placement, coverage }: PlacementPlan): string[][] {
  return coverage.nodes.map(({ node, nearest, second, inReach }) => [
    `${task.nodes[node]}${placement.includes(node) ? ' *' : ''}`,
    (task.rates[node] as number).toFixed(1),
    way(task, node, nearest),
    way(task, node, second),
    String(inReach),
  ]);
}

function trialRows(task: PlacementTask, { placement, trial, losses }: PlacementPlan): string[][] {
  const texts = [trial, ...losses].map(trialTexts);
  return texts.map(({ satisfied, success }, i) => [
    i === 0 ? 'all there' : `without ${task.nodes[placement[i - 1] as number]}`,
    satisfied,
    success,
  ]);
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = titles.map((title) => `<th><button type="button">${title}</button></th>`).join('');
  const body = rows.map(
    (row) =>
      `<tr>${row.map((text) => `<td data-value="${escapeXml(sortedBy(text))}">${escapeXml(text)}</td>`).join('')}</tr>`,
  );
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`;
}

/** A table is sorted by the figures, where a cell has one beside a name. */
const sortedBy = (text: string): string => /[\d.]+(?= (?:ms|%))/.exec(text)?.[0] ?? text;

const round = (value: number): number => Math.round(value * 10) / 10;
