// How the routing shared traffic out over the last minutes: one layer an instance, all of them together 100 %.

import { useMemo } from 'preact/hooks';
import type uPlot from 'uplot';
import { clockTime, percent } from '../format.ts';
import { shortNames } from '../names.ts';
import type { Sample, Series } from '../series.ts';
import { Panel } from './panel.tsx';
import { Plot } from './plot.tsx';
import { CURSOR, PADDING, resolved, shareAxis, TIME_SCALE, timeAxis, translucent } from './plot-style.ts';

export interface WeightsPlotProps {
  readonly series: Series;
  readonly colourOf: (key: string) => string;
}

/** More layers than this cannot be distinguished; the lightest are drawn as one. */
const LAYERS_MAX = 12;
const REST = 'all others';

/** Which instance gets which share of the requests, over the last minutes. */
export function WeightsPlot({ series, colourOf }: WeightsPlotProps) {
  const { samples } = series;
  const last = samples.at(-1);
  const { keys, nameOf, data } = useMemo(() => stack(series), [last, samples.length]);
  const options = (): Omit<uPlot.Options, 'width' | 'height'> => ({
    legend: { show: false },
    cursor: CURSOR,
    scales: { x: TIME_SCALE, y: { range: [0, 1] } },
    axes: [timeAxis(), shareAxis()],
    padding: PADDING,
    series: [
      {},
      ...keys.map((key) => layer(key === REST ? resolved('--unknown') : resolved(variableOf(colourOf(key))))),
    ],
    bands: keys.slice(1).map((_, i) => ({ series: [i + 2, i + 1] as [number, number] })),
  });
  return (
    <Panel
      title="Weights"
      area="weights"
      aside={<Legend keys={keys} series={series} nameOf={nameOf} colourOf={colourOf} />}
    >
      <Plot
        data={data}
        options={options}
        shape={keys.join('\n')}
        heightPx={220}
        label={sayNow(keys, series)}
        readout={(index) => <Readout sample={samples[index]} nameOf={nameOf} colourOf={colourOf} />}
      />
    </Panel>
  );
}

interface Naming {
  readonly nameOf: (key: string) => string;
  readonly colourOf: (key: string) => string;
}

interface Stack {
  readonly keys: readonly string[];
  readonly nameOf: (key: string) => string;
  readonly data: uPlot.AlignedData;
}

/** Columns of cumulated shares; the upper edge of each layer. */
function stack(series: Series): Stack {
  const totals = new Map<string, number>();
  for (const { weights } of series.samples) {
    for (const [key, weight] of Object.entries(weights)) totals.set(key, (totals.get(key) ?? 0) + weight);
  }
  const heaviest = [...totals].sort((a, b) => b[1] - a[1]).map(([key]) => key);
  const shown = heaviest.slice(0, heaviest.length > LAYERS_MAX ? LAYERS_MAX - 1 : LAYERS_MAX).sort();
  const keys = heaviest.length > shown.length ? [...shown, REST] : shown;
  const columns = keys.map((): (number | null)[] => []);
  for (const { weights } of series.samples) {
    const known = Object.keys(weights).length > 0;
    let edge = 0;
    shown.forEach((key, i) => {
      edge += weights[key] ?? 0;
      columns[i]?.push(known ? edge : null);
    });
    if (keys.length > shown.length) columns.at(-1)?.push(known ? 1 : null);
  }
  return {
    keys,
    nameOf: shortNames(heaviest),
    data: [series.samples.map((sample) => sample.timeMs / 1000), ...columns],
  };
}

function layer(colour: string): uPlot.Series {
  return { stroke: colour, fill: translucent(colour, 0.7), width: 1, points: { show: false }, spanGaps: false };
}

const variableOf = (colour: string): string => colour.replace(/^var\(|\)$/g, '');

interface LegendProps extends Naming {
  readonly keys: readonly string[];
  readonly series: Series;
}

function Legend({ keys, series, nameOf, colourOf }: LegendProps) {
  const now = series.samples.at(-1)?.weights ?? {};
  return (
    <ul class="legend">
      {keys.map((key) => (
        <li key={key}>
          <i class="swatch" style={{ background: key === REST ? 'var(--unknown)' : colourOf(key) }} />
          {nameOf(key)}
          {now[key] !== undefined && <span class="num quiet"> {percent(now[key])}</span>}
        </li>
      ))}
    </ul>
  );
}

const READOUT_ROWS_MAX = 8;

interface ReadoutProps extends Naming {
  readonly sample: Sample | undefined;
}

function Readout({ sample, nameOf, colourOf }: ReadoutProps) {
  if (sample === undefined) return null;
  const rows = Object.entries(sample.weights).sort((a, b) => b[1] - a[1]);
  return (
    <>
      <b>{clockTime(sample.timeMs)}</b>
      {rows.slice(0, READOUT_ROWS_MAX).map(([key, weight]) => (
        <span key={key}>
          <i class="swatch" style={{ background: colourOf(key) }} />
          {nameOf(key)} <b class="num">{percent(weight, 1)}</b>
        </span>
      ))}
    </>
  );
}

function sayNow(keys: readonly string[], series: Series): string {
  const now = series.samples.at(-1)?.weights ?? {};
  return `Weights over the last minutes. Now: ${keys.map((key) => `${key} ${percent(now[key])}`).join(', ')}`;
}
