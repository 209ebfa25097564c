import { describe, expect, it } from 'vitest';
import { instanceKey } from '../../../src/core/domain.ts';
import type { InstanceState } from '../../../src/core/service-router.ts';
import { renderSummary } from '../../../src/demo/screen/report.ts';
import { type DemoView, renderScreen } from '../../../src/demo/screen/screen.ts';
import { stallNotice } from '../../../src/demo/screen/stall-watch.ts';
import { ansiPaint, plainPaint } from '../../../src/terminal/paint.ts';
import { instanceStateOf, routerStateOf } from '../../support/router-state.ts';

function instance(nodeId: string, facts: Partial<InstanceState> = {}): InstanceState {
  const { instance, ...state } = instanceStateOf(nodeId, {
    rttMs: 8.2,
    inFlight: 1,
    requestsPerSecond: 41.25,
    failures: 0,
    answeredAgeMs: null,
    weight: 0.4,
    successProbability: 0.983,
    processingMs: 20.4,
    ...facts,
  });
  const own = { ...instance, id: 'pilotnet', port: 1, labels: { tier: 'near-edge' } };
  return { ...state, key: instanceKey(own), instance: own, ...facts };
}

function view(instances: readonly InstanceState[], clients = 10): DemoView {
  const state = routerStateOf({
    policy: 'qedge',
    successRatio: 0.987,
    requestsPerSecond: 100.2,
    inFlight: 3,
    clientsSatisfiedRatio: 1,
    instances,
    clients: [],
  });
  const cars = Array.from({ length: clients }, (_, i) => ({
    clientId: `car-${String(i + 1).padStart(2, '0')}`,
    successRatio: i === 0 ? 0.85 : 0.99,
  }));
  return {
    elapsedMs: 65_000,
    services: [{ state, clients: cars }],
    happenings: [{ atMs: 61_000, text: 'box-2 left' }],
    notice: null,
    dashboardUrl: 'http://127.0.0.1:9901',
    curl: 'curl -T /tmp/frame.jpg -H Host:pilotnet 127.0.0.1:8080',
  };
}

const far = instance('box-far', { rttMs: 44, weight: 0.2, pool: 'exploration', successProbability: 0.71 });
const out = instance('box-out', { rttMs: 3, weight: 0, pool: 'out', cooldownMs: 7_400, successProbability: null });
const wide = { width: 100, height: 40, paint: plainPaint };

/** As a service of a shorter name and a longer limit. */
const crossing = ({ state, clients }: DemoView['services'][number]) => ({
  state: { ...state, service: 'crossing', qos: { ...state.qos, latencyMs: 150 }, requestsPerSecond: 50 },
  clients,
});

describe('the picture', () => {
  it('shows every instance from near to far with what routing believes of it', () => {
    const lines = renderScreen(view([far, instance('box-near'), out]), wide);
    const rows = lines.filter((line) => line.startsWith('  box-')).map((line) => line.trim().split(/\s{2,}/));
    expect(rows.map((row) => row[0])).toEqual(['box-out', 'box-near', 'box-far']);
    const near = [
      'box-near',
      'near-edge',
      '8 ms',
      '20 ms',
      '41.3',
      '98.3 %',
      '0.400',
      '█'.repeat(12),
      'exploitation',
      '–',
    ];
    expect(rows[1]).toEqual(near);
    expect(rows[0]).toContain('7.4 s');
  });

  it('counts the clients that are served as promised and shows each', () => {
    const text = renderScreen(view([far]), wide).join('\n');
    expect(text).toContain('9/10 clients ≥ 90 %');
    expect(text).toContain('car-01  85 %');
  });

  it.each([20, 40, 60, 80, 100, 200])('fits a terminal of %i columns, in colour as well', (width) => {
    const columns = Math.min(width, 100);
    for (const line of renderScreen(view([far, out]), { ...wide, width })) {
      expect(line.length).toBeLessThanOrEqual(columns);
    }
    const coloured = renderScreen(view([far, out]), { ...wide, width, paint: ansiPaint });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for.
    const bare = coloured.map((line) => line.replaceAll(/\x1b\[\d+m/g, ''));
    expect(bare).toEqual(renderScreen(view([far, out]), { ...wide, width }));
    expect(coloured).not.toEqual(bare);
  });

  it.each([3, 6, 12])('fits a terminal of %i lines and keeps the news', (height) => {
    const lines = renderScreen(view([far, out]), { ...wide, height });
    expect(lines.length).toBeLessThanOrEqual(height);
    expect(lines.join('\n')).toContain('box-2 left');
  });

  it('keeps the address of the dashboard and the command in sight on 80 by 24', () => {
    const many = Array.from({ length: 30 }, (_, i) => instance(`box-${i}`));
    const lines = renderScreen(
      { ...view(many), notice: stallNotice(20) },
      { width: 80, height: 23, paint: plainPaint },
    );
    expect(lines).toHaveLength(23);
    expect(lines).toContain('curl -T /tmp/frame.jpg -H Host:pilotnet 127.0.0.1:8080');
    expect(lines.at(-1)).toContain('http://127.0.0.1:9901');
    expect(lines.join('\n')).toContain('box-2 left');
  });

  it('says when the machine is too busy to emulate anything well, and only then', () => {
    expect(stallNotice(2)).toBeNull();
    const notice = stallNotice(85.4);
    expect(notice).toBe('this machine is busy: timers come up to 85 ms late, so instances look slow');
    expect(renderScreen({ ...view([far]), notice }, wide)).toContain(notice);
  });

  it('shows what a frame costs where instances say so', () => {
    const sparing = { ...far.instance, profile: { energy_mwh: 0.03 } };
    const hungry = { ...out.instance, profile: { energy_mwh: 0.13 } };
    const state = [
      { ...far, instance: sparing, requestsPerSecond: 30 },
      { ...out, instance: hungry, requestsPerSecond: 10 },
    ];
    const lines = renderScreen(view(state), wide);
    // Three quarters of 0.03 and one of 0.13.
    expect(lines[0]).toContain('9/10 clients ≥ 90 % · 0.055 mWh');
    expect(lines.filter((line) => line.startsWith('  box-')).map((line) => /[\d.]+ mWh/.exec(line)?.[0])).toEqual([
      '0.130 mWh',
      '0.030 mWh',
    ]);
    const short = { ...view(state), services: view(state, 5).services.map(crossing) };
    expect(renderScreen(short, { ...wide, width: 80 })[0]).toMatch(/ 4\/5 clients ≥ 90 % · 0\.055 mWh/);
    expect(renderScreen(view([far, out]), wide).join('\n')).not.toContain('mWh');
  });

  it('shows what else the service is to give, on a line of its own where there is no room for it', () => {
    const one = { requirement: 'accuracy', level: 0.74, goal: 0.6, strain: 0.65 };
    const accuracy = { ...one, clientsRatio: 1, heldShare: 0.6, price: null };
    const mean = { ...accuracy, requirement: 'mean-latency', level: 43, goal: 50, heldShare: null };
    const { services, ...rest } = view([], 5);
    const asked = services.map(({ state, clients }) => ({
      state: { ...state, requirements: [mean, accuracy] },
      clients,
    }));
    const linesAt = (width: number) => renderScreen({ ...rest, services: asked }, { ...wide, width });
    expect(linesAt(100).slice(0, 2)).toEqual([
      'pilotnet  100 requests/s · 98.7 % within 80 ms · 4/5 clients ≥ 90 %',
      '  mean-latency 43 ms (at most 50 ms wanted) · accuracy 74 % (60 % wanted) · qedge',
    ]);
    expect(linesAt(60).slice(1, 5)).toEqual([
      '  4/5 clients ≥ 90 %',
      '  mean-latency 43 ms (at most 50 ms wanted)',
      '  accuracy 74 % (60 % wanted) · qedge',
      expect.any(String),
    ]);
  });

  it('shows a service without instances or clients', () => {
    const text = renderScreen(view([], 0), wide).join('\n');
    expect(text).toContain('pilotnet  100 requests/s');
    expect(text).not.toContain('clients');
  });
});

describe('the summary', () => {
  it('says what came back in time and whose clients were content', () => {
    const totals = { sent: 3_000, inTime: 2_985, late: 10, refused: 0, failed: 5 };
    expect(renderSummary(view([far]), totals, plainPaint)).toEqual([
      '3,000 frames in 65 s: 99.50 % answered in time (10 late, 5 without an answer).',
      '9/10 clients of pilotnet with at least 90 % in time over the last 10 s.',
    ]);
  });

  it('says what was refused, and that the machine was busy', () => {
    const totals = { sent: 3_000, inTime: 2_000, late: 400, refused: 1_100, failed: 0 };
    const notice = 'This machine was busy.';
    const lines = renderSummary({ ...view([far]), notice }, totals, plainPaint);
    expect(lines[0]).toContain('(400 late, 1,100 refused, 0 without an answer).');
    expect(lines.at(-1)).toBe(notice);
  });

  it('says so when nothing was sent', () => {
    const totals = { sent: 0, inTime: 0, late: 0, refused: 0, failed: 0 };
    expect(renderSummary(view([far], 0), totals, plainPaint)).toEqual(['Ran for 65 s without a load.']);
  });
});
