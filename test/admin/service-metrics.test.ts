// requires: promtool

import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { startAdmin } from '../support/admin.ts';
import { instanceStateOf, routerStateOf } from '../support/router-state.ts';

describe('the metrics', () => {
  it('mirror the state of services and instances at each scrape', async () => {
    const { url } = await startAdmin([routerStateOf({ instances: [instanceStateOf('pi-1', { cooldownMs: 2_500 })] })]);
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('qedge_instance_cooldown_seconds{service="pilotnet",instance="pi-1/a"} 2.5');
    expect(text).toContain('qedge_service_success_ratio{service="pilotnet"} 0.97');
    expect(text).toContain('qedge_service_pool_instances{service="pilotnet",pool="exploitation"} 1');
    expect(text).not.toContain('camera-1');
  });

  it('leave out what is not known rather than guess it', async () => {
    const unknown = instanceStateOf('pi-1', { rttKnown: false, successProbability: null, processingMs: null });
    const { url } = await startAdmin([routerStateOf({ instances: [unknown], successRatio: null })]);
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).not.toMatch(/^qedge_instance_rtt_seconds\{/m);
    expect(text).not.toMatch(/^qedge_service_success_ratio\{/m);
  });

  it('satisfy promtool', async () => {
    const { url, events } = await startAdmin([routerStateOf()]);
    events.append(null, { kind: 'lifecycle', phase: 'started', detail: '' }, 0);
    const input = await (await fetch(`${url}/metrics`)).text();
    expect(execFileSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' })).toBe('');
  });

  it('come as OpenMetrics where asked for', async () => {
    const { url } = await startAdmin([routerStateOf()]);
    const answer = await fetch(`${url}/metrics`, {
      headers: { accept: 'application/openmetrics-text; version=1.0.0' },
    });
    expect(answer.headers.get('content-type')).toContain('application/openmetrics-text');
    expect((await answer.text()).endsWith('# EOF\n')).toBe(true);
  });

  it.each([
    ['application/openmetrics-text', 'application/openmetrics-text'],
    ['text/plain;q=0.5, Application/OpenMetrics-Text; version=1.0.0; q=0.9', 'application/openmetrics-text'],
    ['application/openmetrics-text; version=1.0.0; q=0.0, text/plain', 'text/plain'],
    ['application/openmetrics-text-not', 'text/plain'],
    [`application/openmetrics-text${'; '.repeat(2000)}q=0x`, 'application/openmetrics-text'],
  ])('come as what is taken by the field %.60s', async (accept, type) => {
    const { url } = await startAdmin([routerStateOf()]);
    const { headers } = await fetch(`${url}/metrics`, { headers: { accept } });
    expect(headers.get('content-type')).toContain(type);
  });
});
