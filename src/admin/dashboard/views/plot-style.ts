// What all time series share: axes, grid and a cursor, in the colours of the theme.

import type uPlot from 'uplot';
import { resolved } from '../colours.ts';
import { clockTime } from '../format.ts';

const FONT = '11px ui-sans-serif, system-ui, sans-serif';

export function timeAxis(): uPlot.Axis {
  return {
    stroke: resolved('--text-3'),
    grid: { show: false },
    ticks: { show: false },
    font: FONT,
    size: 24,
    space: 70,
    values: (_plot, seconds) => seconds.map((second) => clockTime(second * 1000).slice(0, 5)),
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
