// How the demo shows what goes on: a picture that refreshes in place on a terminal, a line a service every few seconds
// anywhere else, and a summary at the end of both.

import { energyPerRequest } from '../../core/standing.ts';
import { LiveBlock } from '../../terminal/live-block.ts';
import { type Paint, paintFor } from '../../terminal/paint.ts';
import type { LoadTotals } from '../cameras/load.ts';
import { clock, type DemoView, percent, renderScreen, renderService, type ServiceView, satisfied } from './screen.ts';

/** Refresh of the picture: fast enough to see a cooldown come and go, slow enough to read. */
const PICTURE_INTERVAL_MS = 500;
const LINES_INTERVAL_MS = 5_000;
const WIDTH_WITHOUT_TERMINAL = 100;

export interface Reporter {
  /** Something happened: printed at once, or shown in the picture. */
  happened(text: string): void;
  /** Stops refreshing; `summary` leaves the last picture behind. */
  end(): void;
}

/** Begins to report what `view` returns. */
export function startReporter(output: NodeJS.WriteStream, view: () => DemoView): Reporter {
  const canMoveCursor = output.isTTY && process.env.TERM !== 'dumb';
  return canMoveCursor ? livePicture(output, view) : plainLines(output, view);
}

/** The last words: what was sent, what came back in time, whose clients were content, and whether the machine was; `view.notice` says that. */
export function renderSummary(view: DemoView, totals: LoadTotals, paint: Paint): readonly string[] {
  const seconds = (view.elapsedMs / 1000).toFixed(0);
  if (totals.sent === 0) return [`Ran for ${seconds} s without a load.`];
  const answered = totals.inTime + totals.late + totals.refused + totals.failed;
  const inTime = percent(answered === 0 ? null : totals.inTime / answered, 2);
  return [
    `${paint('strong', `${count(totals.sent)} frames in ${seconds} s`)}: ${inTime} answered in time ` +
      `(${count(totals.late)} late, ${totals.refused === 0 ? '' : `${count(totals.refused)} refused, `}` +
      `${count(totals.failed)} without an answer).`,
    ...view.services
      .filter(({ clients }) => clients.length > 0)
      .map(({ state, clients }) => {
        const { successRatio, windowMs } = state.qos;
        const names = `clients of ${state.service} with at least ${successRatio * 100} % in time`;
        return `${satisfied(clients, successRatio)} ${names} over the last ${windowMs / 1000} s.`;
      }),
    ...(view.notice === null ? [] : [view.notice]),
  ];
}

function livePicture(output: NodeJS.WriteStream, view: () => DemoView): Reporter {
  const block = new LiveBlock(output);
  const paint = paintFor(output);
  const draw = (): void => block.draw(renderScreen(view(), { width: block.columns, height: block.rows, paint }));
  draw();
  const timer = setInterval(draw, PICTURE_INTERVAL_MS);
  return {
    happened: draw,
    end() {
      clearInterval(timer);
      draw();
      block.end();
    },
  };
}

function plainLines(output: NodeJS.WriteStream, view: () => DemoView): Reporter {
  const print = (text: string): void => {
    output.write(`${text}\n`);
  };
  const timer = setInterval(() => {
    const { elapsedMs, services, notice } = view();
    if (notice !== null) print(`${clock(elapsedMs)}  ${notice}`);
    for (const service of services) print(`${clock(elapsedMs)}  ${serviceLine(service)}`);
  }, LINES_INTERVAL_MS);
  return {
    happened: (text) => print(`${clock(view().elapsedMs)}  ${text}`),
    end() {
      clearInterval(timer);
      const paint = paintFor(output);
      for (const service of view().services) {
        for (const line of ['', ...renderService(service, { width: WIDTH_WITHOUT_TERMINAL, paint })]) print(line);
      }
    },
  };
}

/** One service in one line: rate, success, content clients, and which instance gets how much. */
function serviceLine({ state, clients }: ServiceView): string {
  const shares = [...state.instances]
    .sort((a, b) => b.requestsPerSecond - a.requestsPerSecond)
    .map(({ instance, requestsPerSecond }) => `${instance.nodeId} ${requestsPerSecond.toFixed(0)}/s`);
  const energyMwh = energyPerRequest(state.instances);
  return [
    `${state.service} ${state.requestsPerSecond.toFixed(0)} requests/s`,
    `${percent(state.successRatio)} in time`,
    ...(energyMwh === null ? [] : [`${energyMwh.toFixed(3)} mWh a frame`]),
    ...(clients.length === 0 ? [] : [`clients ${satisfied(clients, state.qos.successRatio)}`]),
    shares.join(', '),
  ].join(' | ');
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
