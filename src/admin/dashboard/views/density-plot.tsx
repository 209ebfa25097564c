// The estimated latency density: what lies left of the limit succeeds, what lies right of it does not.

import type { DensityDocument } from '../../state/state.ts';
import { successColour } from '../colours.ts';
import { milliseconds, percent } from '../format.ts';
import { useWidth } from './size.ts';

export interface DensityPlotProps {
  readonly density: DensityDocument | null;
  /** τ, ms. */
  readonly limitMs: number;
  readonly successProbability: number | null;
  /** ρ. */
  readonly target: number;
}

const HEIGHT = 168;
const BOTTOM = 22;
const TOP = 20;

export function DensityPlot({ density, limitMs, successProbability, target }: DensityPlotProps) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const x = (ms: number): number => (ms / (2 * limitMs)) * width;
  const said =
    density === null
      ? 'No latency density yet: no samples within the window.'
      : `Estimated latency density; ${percent(successProbability, 1)} lies within the limit of ${milliseconds(limitMs)}.`;
  return (
    <div class="density" ref={ref}>
      <svg width={width} height={HEIGHT} role="img" aria-label={said}>
        {density !== null && <Curve density={density} x={x} />}
        <line class="axis" x1="0" x2={width} y1={HEIGHT - BOTTOM} y2={HEIGHT - BOTTOM} />
        {[0, 0.5, 1.5, 2].map((factor) => (
          <text
            key={factor}
            class="tick"
            x={x(limitMs * factor)}
            y={HEIGHT - 7}
            text-anchor={factor === 0 ? 'start' : factor === 2 ? 'end' : 'middle'}
          >
            {milliseconds(limitMs * factor)}
          </text>
        ))}
        <line class="limit" x1={x(limitMs)} x2={x(limitMs)} y1={TOP - 6} y2={HEIGHT - BOTTOM} />
        <text class="limit-label" x={x(limitMs)} y={HEIGHT - 7} text-anchor="middle">
          τ {milliseconds(limitMs)}
        </text>
        {successProbability !== null && (
          <text
            class="within"
            style={{ fill: successColour(successProbability, target) }}
            x={x(limitMs) - 8}
            y={TOP}
            text-anchor="end"
          >
            {percent(successProbability, 1)} within
          </text>
        )}
      </svg>
      {density === null && <p class="empty">{said}</p>}
    </div>
  );
}

function Curve({ density, x }: { readonly density: DensityDocument; readonly x: (ms: number) => number }) {
  const peak = Math.max(...density.density, 1e-9);
  const base = HEIGHT - BOTTOM;
  const y = (value: number): number => base - (value / peak) * (base - TOP - 6);
  const points = density.latencyMs.map((ms, i) => ({
    ms,
    at: `${x(ms).toFixed(1)} ${y(density.density[i] ?? 0).toFixed(1)}`,
  }));
  const area = (inside: (ms: number) => boolean): string => {
    const part = points.filter(({ ms }) => inside(ms));
    const [first, last] = [part[0], part.at(-1)];
    if (first === undefined || last === undefined) return '';
    return `M${x(first.ms)} ${base}L${part.map(({ at }) => at).join('L')}L${x(last.ms)} ${base}Z`;
  };
  return (
    <>
      <path class="area-good" d={area((ms) => ms <= density.limitMs)} />
      <path class="area-bad" d={area((ms) => ms >= density.limitMs)} />
      <path class="curve" d={`M${points.map(({ at }) => at).join('L')}`} />
      <line class="rtt" x1={x(density.rttMs)} x2={x(density.rttMs)} y1={base - 8} y2={base}>
        <title>network round trip {milliseconds(density.rttMs)}</title>
      </line>
    </>
  );
}
