// What the demo shows: how each service is routed now, what its clients got, and what happened of late. A pure function
// from numbers to lines, so that a test can read it.

import type { PoolMembership } from '../../core/policies/policy.ts';
import { meanOf, readProfile } from '../../core/profile.ts';
import type { InstanceState, RouterState } from '../../core/service-router.ts';
import { cooldownText, energyPerRequest, requirementText } from '../../core/standing.ts';
import { type Cell, type Column, renderColumns, truncate } from '../../terminal/columns.ts';
import type { Paint, Tone } from '../../terminal/paint.ts';
import { percentText } from '../../terminal/percent.ts';

/** A camera as the screen shows it. */
export interface ClientView {
  readonly clientId: string;
  /** Over W, as the client measured it; null before the first answer. */
  readonly successRatio: number | null;
}

export interface ServiceView {
  readonly state: RouterState;
  readonly clients: readonly ClientView[];
}

/** A mishap and when it happened, ms since the start. */
export interface HappeningView {
  readonly atMs: number;
  readonly text: string;
}

/** All that the screen shows. */
export interface DemoView {
  readonly elapsedMs: number;
  readonly services: readonly ServiceView[];
  /** Newest last. */
  readonly happenings: readonly HappeningView[];
  /** What is wrong with the demo's surroundings; null when nothing is. */
  readonly notice: string | null;
  /** Where to look, and how to send a frame: in sight even when what was printed first has scrolled away. */
  readonly dashboardUrl: string;
  readonly curl: string;
}

export interface ScreenOptions {
  /** Characters a line may have. */
  readonly width: number;
  /** Lines there are; what comes last is cut first. */
  readonly height: number;
  readonly paint: Paint;
}

const WIDTH_MAX = 100;
const BAR_WIDTH = 12;
const INDENT = '  ';
const HAPPENINGS_SHOWN = 4;
/** Fewer lines than this show half of what happened. */
const HEIGHT_ROOMY = 26;
const CLIENT_CELL_GAP = 3;
const POOL_CELLS: Readonly<Record<PoolMembership, Cell>> = {
  exploitation: { text: 'exploitation', tone: 'plain' },
  exploration: { text: 'exploration', tone: 'dim' },
  out: { text: 'out', tone: 'bad' },
};
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** The whole picture. */
export function renderScreen(view: DemoView, { width, height, paint }: ScreenOptions): readonly string[] {
  const fitted = { width: Math.min(width, WIDTH_MAX), paint };
  const lines = view.services.flatMap((service) => [...renderService(service, fitted), '']);
  const happenings = view.happenings
    .slice(-(height < HEIGHT_ROOMY ? HAPPENINGS_SHOWN / 2 : HAPPENINGS_SHOWN))
    .map(({ atMs, text }) => `${paint('dim', clock(atMs))}  ${truncate(text, fitted.width - 7)}`);
  const footer = [
    ...(view.notice === null ? [] : [paint('notice', truncate(view.notice, fitted.width))]),
    paint('dim', truncate(view.curl, fitted.width)),
    paint('dim', truncate(`${clock(view.elapsedMs)}  ${view.dashboardUrl} · Ctrl-C stops the demo`, fitted.width)),
  ];
  const room = Math.max(0, height - happenings.length - footer.length);
  return [...lines.slice(0, room), ...happenings, ...footer].slice(-Math.max(1, height));
}

/** One service: a headline, its instances, its clients. */
export function renderService(
  { state, clients }: ServiceView,
  options: { readonly width: number; readonly paint: Paint },
): readonly string[] {
  return [
    ...headline(state, clients, options),
    ...renderColumns(instanceColumns(state), { ...options, indent: '  ' }),
    ...clientLines(state.qos.successRatio, clients, options),
  ];
}

/** Minutes and seconds, such as `01:05`. */
export function clock(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
}

export function percent(ratio: number | null, digits = 1): string {
  return ratio === null ? '–' : percentText(ratio, digits);
}

/** How many clients have at least ρ of their requests in time, as `9/10`. */
export function satisfied(clients: readonly ClientView[], successRatio: number): string {
  const known = clients.filter((client) => client.successRatio !== null);
  return `${known.filter((client) => (client.successRatio ?? 0) >= successRatio).length}/${known.length}`;
}

function headline(
  { service, policy, qos, requestsPerSecond, successRatio, instances, requirements }: RouterState,
  clients: readonly ClientView[],
  { width, paint }: { readonly width: number; readonly paint: Paint },
): readonly string[] {
  const rho = qos.successRatio * 100;
  const energyMwh = energyPerRequest(instances);
  const facts = [
    `${requestsPerSecond.toFixed(0)} requests/s`,
    `${percent(successRatio)} within ${qos.latencyMs} ms`,
    ...(clients.length === 0 ? [] : [`${satisfied(clients, qos.successRatio)} clients ≥ ${rho} %`]),
    ...(energyMwh === null ? [] : [energy(energyMwh)]),
    ...requirements.filter(({ requirement }) => requirement !== 'latency').map(requirementText),
    policy,
  ];
  const [first = '', ...more] = linesOf(facts, width, service.length);
  return [paint('strong', service) + truncate(`  ${first}`, Math.max(0, width - service.length)), ...more];
}

/** As many facts on a line as fit after so many characters, and after an indent on the next ones. */
function linesOf(facts: readonly string[], width: number, after: number): readonly string[] {
  const lines: string[] = [];
  let room = width - after - INDENT.length;
  for (const fact of facts) {
    const before = lines.at(-1);
    const longer = before === undefined ? fact : `${before} · ${fact}`;
    const fits = longer.length <= room;
    if (before === undefined || fits) lines.splice(-1, 1, longer);
    else {
      room = width;
      lines.push(truncate(`${INDENT}${fact}`, width));
    }
  }
  return lines;
}

function instanceColumns({ instances, qos }: RouterState): readonly Column[] {
  const sorted = [...instances].sort((a, b) => a.rttMs - b.rttMs);
  const right = (header: string, importance: number, cellOf: (instance: InstanceState) => Cell): Column => {
    return { header, importance, align: 'right', cells: sorted.map(cellOf) };
  };
  const left = (...column: Parameters<typeof right>): Column => ({ ...right(...column), align: 'left' });
  const weightMax = Math.max(...sorted.map(({ weight }) => weight), 0.01);
  return [
    left('INSTANCE', 9, ({ instance, availability }) => ({
      text: instance.nodeId,
      tone: availability === 'up' ? 'plain' : 'dim',
    })),
    left('TIER', 1, ({ instance }) => dim(instance.labels.tier ?? '')),
    right('RTT', 2, ({ rttMs, rttKnown }) => plain(`${rttKnown ? '' : '~'}${duration(rttMs)}`)),
    right('WORK', 3, ({ processingMs }) => plain(processingMs === null ? '–' : duration(processingMs))),
    ...energyColumn(sorted),
    right('REQ/S', 7, ({ requestsPerSecond }) => plain(requestsPerSecond.toFixed(1))),
    right(`P(≤ ${qos.latencyMs} ms)`, 8, ({ successProbability }) => share(successProbability, qos.successRatio)),
    right('WEIGHT', 6, ({ weight }) => plain(weight.toFixed(3))),
    left('', 0, ({ weight }) => dim(bar(weight / weightMax, BAR_WIDTH))),
    left('POOL', 5, poolCell),
    right('COOLDOWN', 4, ({ cooldownMs }) =>
      cooldownMs > 0 ? { text: cooldownText(cooldownMs), tone: 'notice' } : dim('–'),
    ),
  ];
}

/** Energy of a frame; only where an instance says. */
function energyColumn(instances: readonly InstanceState[]): readonly Column[] {
  const values = instances.map(({ instance }) => meanOf(readProfile(instance.profile).energyMwh));
  if (values.every(Number.isNaN)) return [];
  const cells = values.map((value) => plain(Number.isNaN(value) ? '–' : energy(value)));
  return [{ header: 'ENERGY', importance: 5.5, align: 'right', cells }];
}

/** `0.061 mWh`: of a frame. */
function energy(mwh: number): string {
  return `${mwh.toFixed(3)} mWh`;
}

function poolCell({ pool, availability }: InstanceState): Cell {
  if (availability !== 'up') return { text: availability, tone: 'notice' };
  return POOL_CELLS[pool];
}

/** `8 ms`, `1.2 s`. */
function duration(ms: number): string {
  return ms < 1_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** As many clients on a line as fit, each with its share. */
function clientLines(
  successRatio: number,
  clients: readonly ClientView[],
  { width, paint }: { readonly width: number; readonly paint: Paint },
): readonly string[] {
  const indent = '  ';
  const nameWidth = Math.max(0, ...clients.map(({ clientId }) => clientId.length));
  const cellWidth = nameWidth + 1 + '100 %'.length;
  const perLine = Math.max(1, Math.floor((width - indent.length + CLIENT_CELL_GAP) / (cellWidth + CLIENT_CELL_GAP)));
  const cells = clients.map((client) => {
    const { text, tone } = share(client.successRatio, successRatio, 0);
    return `${paint('dim', client.clientId.padEnd(nameWidth))} ${paint(tone, text.padStart('100 %'.length))}`;
  });
  const lines: string[] = [];
  for (let i = 0; i < cells.length; i += perLine) {
    lines.push(indent + cells.slice(i, i + perLine).join(' '.repeat(CLIENT_CELL_GAP)));
  }
  return lines;
}

function share(ratio: number | null, target: number, digits = 1): Cell {
  let tone: Tone = 'dim';
  if (ratio !== null) tone = ratio >= target ? 'good' : 'bad';
  return { text: percent(ratio, digits), tone };
}

/** A bar of `ratio` of `width` characters, in eighths of one. */
function bar(ratio: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, ratio)) * width * 8);
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
}

function plain(text: string): Cell {
  return { text, tone: 'plain' };
}

function dim(text: string): Cell {
  return { text, tone: 'dim' };
}
