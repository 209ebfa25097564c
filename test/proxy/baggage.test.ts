// Deadlines as a moment on the clock, in the field that OpenTelemetry passes on by itself.

import { describe, expect, it } from 'vitest';
import { BaggageDeadlines } from '../../src/proxy/exchange/time/baggage-deadlines.ts';
import { textOf } from '../support/metrics.ts';
import { startInstance, startProxy, type TestProxy } from '../support/proxy.ts';

interface Rig {
  readonly test: TestProxy;
  /** Of the last request that an instance got. */
  readonly got: Record<string, string | undefined>;
  ask(fields: Readonly<Record<string, string>>): Promise<number>;
}

async function startRig(baggage: boolean): Promise<Rig> {
  const got: Record<string, string | undefined> = {};
  const { port } = await startInstance(({ headers }, response) => {
    got.baggage = headers.baggage as string | undefined;
    got.deadline = headers['x-qedge-deadline-ms'] as string | undefined;
    response.end('done');
  });
  const test = await startProxy([{ name: 'tracker', ports: [port] }], { baggage });
  return {
    test,
    got,
    ask: async (fields) => {
      const response = await fetch(test.url, { headers: { 'X-QEdge-Service': 'tracker', ...fields } });
      await response.arrayBuffer();
      return response.status;
    },
  };
}

const inMs = (ms: number): number => Date.now() + ms;

describe('a deadline in baggage', () => {
  it('goes on beside what else is carried, as the moment at which the client stops waiting', async () => {
    const { ask, got } = await startRig(true);
    const beforeMs = Date.now();
    await ask({ 'X-QEdge-Deadline-Ms': '5000', baggage: 'user=7, qedge-deadline=1;node=x' });
    const [, at] = /^user=7,qedge-deadline=(\d+);node=n0$/.exec(got.baggage ?? '') ?? [];
    expect(Number(at)).toBeGreaterThanOrEqual(beforeMs + 5000);
    expect(Number(at)).toBeLessThanOrEqual(inMs(5000) + 1);
  });

  it('comes back to the node that wrote it as what is left', async () => {
    const { ask, got } = await startRig(true);
    await ask({ 'X-QEdge-Deadline-Ms': '9000' });
    expect(await ask({ baggage: got.baggage ?? '' })).toBe(200);
    expect(Number(got.deadline)).toBeGreaterThan(0);
    expect(Number(got.deadline)).toBeLessThanOrEqual(9000);
    expect(await ask({ baggage: `qedge-deadline=${inMs(-5)};node=n0` })).toBe(504);
  });

  it('of another node is believed while its clock agrees', async () => {
    const { test, ask, got } = await startRig(true);
    const baggage = `qedge-deadline=${inMs(60_000)};node=n9`;
    await ask({ baggage });
    expect(got).toEqual({ baggage, deadline: undefined });
    test.proxy.baggage.setAgreement('n9', true);
    await ask({ baggage });
    expect(Number(got.deadline)).toBeGreaterThan(0);
    test.proxy.baggage.setAgreement('n9', false);
    await ask({ baggage });
    expect(got.deadline).toBeUndefined();
    expect(textOf(test.metrics)).toContain('qedge_baggage_deadlines_ignored_total{reason="clock"} 2');
  });

  it.each([
    'qedge-deadline=-1',
    'qedge-deadline=soon;node=n0',
    'qedge-deadline',
    `qedge-deadline=${'9'.repeat(30)};node=n0`,
    'qedge-deadline=999999999999;node=n0 n1',
    `qedge-deadline=999999999999;node=n0;${'x'.repeat(2000)}`,
  ])('that is none is counted, and changes nothing: %.60s', async (baggage) => {
    const { test, ask, got } = await startRig(true);
    expect(await ask({ baggage })).toBe(200);
    expect(got).toEqual({ baggage, deadline: undefined });
    expect(textOf(test.metrics)).toContain('qedge_baggage_deadlines_ignored_total{reason="malformed"} 1');
  });

  it('is read in a moment, no matter what its entry is made of', () => {
    const baggage = new BaggageDeadlines('n0');
    const startMs = performance.now();
    for (const filling of [' ', '\t;', ';', '; ']) {
      const entry = `qedge-deadline=999999999999${filling.repeat(200_000)}\n`;
      expect(baggage.leftMs(`${entry}x`, 0)).toBe('malformed');
    }
    expect(performance.now() - startMs).toBeLessThan(5000);
  });

  it('means nothing unless it is asked for', async () => {
    const { ask, got } = await startRig(false);
    const baggage = `qedge-deadline=${inMs(60_000)};node=n0`;
    await ask({ baggage });
    expect(got).toEqual({ baggage, deadline: undefined });
  });
});

it('a ping says what time it is', async () => {
  const { test } = await startRig(false);
  const { headers } = await fetch(`${test.url}/-/ping`);
  expect(Math.abs(Number(headers.get('x-qedge-time')) - Date.now())).toBeLessThan(2000);
});
