// Success and satisfied clients over the last minutes, against the target.

import { useMemo } from 'preact/hooks';
import type uPlot from 'uplot';
import { clockTime, percent, perSecond } from '../format.ts';
import type { Sample, Series } from '../series.ts';
import { Panel } from './panel.tsx';
import { Plot } from './plot.tsx';
import { CURSOR, PADDING, resolved, shareAxis, TIME_SCALE, timeAxis } from './plot-style.ts';

/** Success over the last minutes, beside the target. */
export function SuccessPlot({ series, target }: { readonly series: Series; readonly target: number }) {
  const { samples } = series;
  const last = samples.at(-1);
  const data = useMemo(
    (): uPlot.AlignedData => [
      samples.map((sample) => sample.timeMs / 1000),
      samples.map((sample) => sample.successRatio),
      samples.map((sample) => sample.clientsSatisfiedRatio),
      samples.map(() => target),
    ],
    [last, samples.length, target],
  );
  const options = (): Omit<uPlot.Options, 'width' | 'height'> => ({
    legend: { show: false },
    cursor: CURSOR,
    scales: {
      x: TIME_SCALE,
      y: { range: (_plot, low) => [Math.max(0, Math.min(low - 0.05, target - 0.2)), 1.005] },
    },
    axes: [timeAxis(), shareAxis()],
    padding: PADDING,
    series: [
      {},
      { stroke: resolved('--good'), width: 2, points: { show: false } },
      { stroke: resolved('--accent'), width: 1.5, points: { show: false } },
      { stroke: resolved('--text-3'), width: 1, dash: [4, 4], points: { show: false } },
    ],
  });
  const said = `Success over the last minutes. Now: ${percent(last?.successRatio, 1)} of requests, ${percent(last?.clientsSatisfiedRatio)} of clients satisfied, target ${percent(target)}.`;
  return (
    <Panel title="Success" area="success" aside={<Legend target={target} />}>
      <Plot
        data={data}
        options={options}
        shape="success"
        heightPx={220}
        label={said}
        readout={(index) => <Readout sample={samples[index]} />}
      />
    </Panel>
  );
}

function Readout({ sample }: { readonly sample: Sample | undefined }) {
  if (sample === undefined) return null;
  return (
    <>
      <b>{clockTime(sample.timeMs)}</b>
      <span>
        requests <b class="num">{percent(sample.successRatio, 1)}</b>
      </span>
      <span>
        clients satisfied <b class="num">{percent(sample.clientsSatisfiedRatio)}</b>
      </span>
      <span>
        load <b class="num">{perSecond(sample.requestsPerSecond)}</b> requests/s
      </span>
    </>
  );
}

function Legend({ target }: { readonly target: number }) {
  return (
    <ul class="legend">
      <li>
        <i class="swatch" style={{ background: 'var(--good)' }} />
        requests
      </li>
      <li>
        <i class="swatch" style={{ background: 'var(--accent)' }} />
        clients satisfied
      </li>
      <li>
        <i class="swatch swatch-dash" />
        target {percent(target)}
      </li>
    </ul>
  );
}
