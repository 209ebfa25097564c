// What all time series share: axes, grid and a cursor, in the colours of the theme.

import type uPlot from 'uplot';
import { clockTime } from '../format.ts';

const FONT = '11px ui-sans-serif, system-ui, sans-serif';

export function timeAxis(): uPlot.Axis {
  return {
    stroke: resolved('--text-3'),
    grid: { show: false },
    ticks: { show: false },
    font: FONT,
    size: 24,
    space: 84,
    values: (_plot, times, _axis, _space, stepSeconds) =>
      times.map((time) => clockTime(time * 1000).slice(0, stepSeconds < 60 ? 8 : 5)),
  };
}

export function shareAxis(): uPlot.Axis {
  return {
    stroke: resolved('--text-3'),
    grid: { stroke: resolved('--line-soft'), width: 1 },
    ticks: { show: false },
    font: FONT,
    size: 44,
    space: 36,
    values: (_plot, shares) => shares.map((share) => `${Math.round(share * 100)} %`),
  };
}

export const CURSOR: uPlot.Cursor = { y: false, points: { show: false }, drag: { x: false, y: false } };

/** To the right there is room for half of the last time. */
export const PADDING: uPlot.Padding = [8, 26, 0, 0];

const SPAN_SECONDS_MIN = 60;

/** The last minutes up to now; one at least, so that the first samples do not fill the picture. */
export const TIME_SCALE: uPlot.Scale = {
  time: true,
  range: (_plot, first, last) => [Math.min(first, last - SPAN_SECONDS_MIN), last],
};

/** A CSS variable's colour in the theme of now, for drawing on a canvas. */
export function resolved(variable: string): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${variable})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** A resolved colour let through to a share in [0, 1]. */
export function translucent(colour: string, opacity: number): string {
  return `color-mix(in srgb, ${colour} ${Math.round(opacity * 100)}%, transparent)`;
}
