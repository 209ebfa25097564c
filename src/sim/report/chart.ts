// Charts as plain SVG text: lines and grouped bars. Series are distinguished by class (`s0`, `s1`…), so that the page colours and hides
// them; every mark carries its value as a tooltip.

export interface LineSeries {
  readonly name: string;
  /** Index of its colour. */
  readonly style: number;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChart {
  readonly series: readonly LineSeries[];
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xMax: number;
  readonly yMin: number;
  readonly yMax: number;
  readonly formatY: (y: number) => string;
  /** Level drawn across, dashed. */
  readonly level?: number;
  /** Moments drawn upright, with a word each. */
  readonly marks?: readonly { readonly x: number; readonly label: string }[];
}

export interface BarChart {
  readonly groups: readonly string[];
  readonly series: readonly {
    readonly name: string;
    readonly style: number;
    readonly values: readonly (number | null)[];
  }[];
  readonly yLabel: string;
  readonly formatY: (y: number) => string;
  /** Bars are cut off here, so that one very long one leaves the others to be seen; tooltips show the whole. */
  readonly yCut?: number;
}

const WIDTH = 860;
const HEIGHT = 300;
const LEFT = 66;
const RIGHT = 12;
const TOP = 14;
const BOTTOM = 40;
/** A character of its text is about so wide. */
const CHAR_WIDTH = 6.5;
const ROW_HEIGHT = 13;
const MARK_GAP = 4;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const PLOT_HEIGHT = HEIGHT - TOP - BOTTOM;

export function lineChart(chart: LineChart): string {
  const { xMax, yMin, yMax, formatY } = chart;
  const x = (value: number): number => LEFT + (PLOT_WIDTH * value) / xMax;
  const y = (value: number): number => TOP + PLOT_HEIGHT * (1 - (value - yMin) / (yMax - yMin));
  const lines = chart.series.map(({ name, style, points }) => {
    const last = points.at(-1)?.[1];
    const path = points
      .map(([px, py], i) => `${i === 0 ? 'M' : 'L'}${round(x(px))} ${round(y(clamp(py, yMin, yMax)))}`)
      .join('');
    const title = last === undefined ? name : `${name}: ${formatY(last)} at the end`;
    return `<path class="series line s${style}" d="${path}"><title>${escapeXml(title)}</title></path>`;
  });
  const level =
    chart.level === undefined ? '' : `<path class="level" d="M${LEFT} ${round(y(chart.level))}H${WIDTH - RIGHT}"/>`;
  const marks = markTexts((chart.marks ?? []).map(({ x: at, label }) => ({ at: round(x(at)), label })));
  const xTicks = ticks(0, xMax, 8).map((tick) => xTick(x(tick), String(tick)));
  return svg([
    ...yAxis(ticks(yMin, yMax, 6), y, formatY),
    ...xTicks,
    labels(chart.xLabel, chart.yLabel),
    level,
    ...marks,
    ...lines,
  ]);
}

/** Upright lines with their words: on the left where there is no room on the right, and above those that they would cover. */
function markTexts(marks: readonly { readonly at: number; readonly label: string }[]): string[] {
  const rows: number[] = [];
  return marks.map(({ at, label }) => {
    const width = label.length * CHAR_WIDTH;
    const isLast = at + MARK_GAP + width > WIDTH;
    const from = isLast ? at - MARK_GAP - width : at + MARK_GAP;
    const free = rows.findIndex((end) => end < from);
    const row = free < 0 ? rows.length : free;
    rows[row] = Math.max(from + width, at);
    const text = `<text${isLast ? ' class="end"' : ''} x="${round(isLast ? at - MARK_GAP : from)}" y="${TOP + PLOT_HEIGHT - 5 - ROW_HEIGHT * row}">${escapeXml(label)}</text>`;
    return `<g class="mark"><path d="M${at} ${TOP}V${TOP + PLOT_HEIGHT}"/>${text}</g>`;
  });
}

export function barChart({ groups, series, yLabel, formatY, yCut = Number.POSITIVE_INFINITY }: BarChart): string {
  const top = Math.max(1e-9, ...series.flatMap(({ values }) => values.map((value) => Math.min(value ?? 0, yCut))));
  const scale = ticks(0, top, 6);
  const yMax = Math.max(top, scale.at(-1) ?? top);
  const y = (value: number): number => TOP + PLOT_HEIGHT * (1 - Math.min(value, yMax) / yMax);
  const groupWidth = PLOT_WIDTH / Math.max(1, groups.length);
  const barWidth = (groupWidth * 0.84) / Math.max(1, series.length);
  const bars = series.flatMap(({ name, style, values }, s) =>
    values.map((value, g) => {
      if (value === null) return '';
      const left = LEFT + groupWidth * g + groupWidth * 0.08 + barWidth * s;
      const title = `${groups[g] ?? ''}, ${name}: ${formatY(value)}`;
      const height = round(TOP + PLOT_HEIGHT - y(value));
      return `<rect class="series bar s${style}" x="${round(left)}" y="${round(y(value))}" width="${round(Math.max(0.5, barWidth - 0.6))}" height="${height}"><title>${escapeXml(title)}</title></rect>`;
    }),
  );
  // Where there are very many, those that have room: each bar says its own.
  const nameWidth = Math.max(0, ...groups.map(({ length }) => (length + 0.5) * CHAR_WIDTH));
  const each = Math.max(1, Math.ceil(nameWidth / groupWidth));
  const names = groups.flatMap((group, g) => (g % each === 0 ? xTick(LEFT + groupWidth * (g + 0.5), group) : []));
  return svg([...yAxis(scale, y, formatY), ...names, labels('', yLabel), ...bars]);
}

function svg(parts: readonly string[]): string {
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">${parts.join('')}</svg>`;
}

function yAxis(values: readonly number[], y: (value: number) => number, format: (value: number) => string): string[] {
  return values.map((value) => {
    const at = round(y(value));
    return `<path class="grid" d="M${LEFT} ${at}H${WIDTH - RIGHT}"/><text class="tick end" x="${LEFT - 6}" y="${at + 4}">${escapeXml(format(value))}</text>`;
  });
}

function xTick(at: number, text: string): string {
  return `<text class="tick middle" x="${round(at)}" y="${TOP + PLOT_HEIGHT + 16}">${escapeXml(text)}</text>`;
}

function labels(xLabel: string, yLabel: string): string {
  return (
    `<text class="label middle" x="${LEFT + PLOT_WIDTH / 2}" y="${HEIGHT - 6}">${escapeXml(xLabel)}</text>` +
    `<text class="label middle" transform="rotate(-90 12 ${TOP + PLOT_HEIGHT / 2})" x="12" y="${TOP + PLOT_HEIGHT / 2}">${escapeXml(yLabel)}</text>`
  );
}

/** Round values from `low` to `high`, about `count` of them: steps of 1, 2 or 5 times a power of ten. */
export function ticks(low: number, high: number, count: number): number[] {
  const raw = (high - low) / count;
  if (!(raw > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Text as the content or an attribute of XML and HTML. */
export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
