// A plan as one HTML file that needs nothing else: a map by round trips, and the tables.

import { escapeXml } from '../../sim/report/chart.ts';
import { REPORT_SCRIPT, REPORT_STYLE } from '../../sim/report/page.ts';
import { outline, type Point } from './outline.ts';
import type { PlacementPlan } from './plan.ts';
import { headline, trialFacts, trialTexts, way } from './report.ts';
import { type PlacementTask, rttOf } from './task.ts';
import type { TrialOptions } from './trial.ts';

const WIDTH = 860;
const HEIGHT = 560;
const MARGIN = 70;
/** With more nodes than this, only those with an instance have their name on the map. */
const NAMED_MAX = 60;

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
.way{stroke:var(--rule);stroke-width:1.2}.out .dot{fill:#d55e00}
.dot{fill:var(--faint)}.center .dot{fill:#0072b2}.center text{font-weight:600}
</style>
<main>
<h1>${escapeXml(options.title)}</h1>
${sentences.join('\n')}
<p class="facts"><code>${escapeXml(options.command)}</code></p>
<figure><div class="scroll">${map(task, plan)}</div>
<figcaption>Nodes as far from one another as their round trips allow on a plane; squares carry an instance, a line leads to the nearest one,
the size is what clients ask for. Orange: no instance in reach.</figcaption></figure>
<h2>Nodes</h2>
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
  const marks = coverage.nodes.map((of) => {
    const { node } = of;
    const { x, y } = at(node);
    const carries = placement.includes(node);
    const rate = task.rates[node] as number;
    const size = 3 + 4 * Math.sqrt(rate / most);
    const shape = carries
      ? `<rect class="dot" x="${round(x - size)}" y="${round(y - size)}" width="${round(2 * size)}" height="${round(2 * size)}" rx="2"/>`
      : `<circle class="dot" cx="${x}" cy="${y}" r="${round(size)}"/>`;
    const name = escapeXml(task.nodes[node] as string);
    const label =
      carries || task.nodes.length <= NAMED_MAX
        ? `<text x="${round(x + size + 3)}" y="${round(y + 4)}">${name}</text>`
        : '';
    const title = `<title>${name}: ${rate.toFixed(1)} requests/s, nearest ${escapeXml(way(task, node, of.nearest))}</title>`;
    return `<g class="${carries ? 'center' : ''}${of.inReach === 0 && rate > 0 ? ' out' : ''}">${title}${shape}${label}</g>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="map of the nodes">${ways.join('')}${marks.join('')}</svg>`;
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
