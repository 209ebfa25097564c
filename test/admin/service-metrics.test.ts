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

  it('say what a share of attributes reaches and is held to, and what a request takes', async () => {
    const one = { requirement: 'accuracy', level: 0.74, goal: 0.8, strain: 1.3 };
    const accuracy = { ...one, clientsRatio: 0.5, heldShare: 0.6, price: null };
    const latency = { requirement: 'latency', level: 0.97, goal: 0.9, strain: 0.3, clientsRatio: 1, heldShare: null };
    const spends = (nodeId: string, energy_mwh: number, requestsPerSecond: number) => {
      const state = instanceStateOf(nodeId, { requestsPerSecond });
      return { ...state, instance: { ...state.instance, profile: { energy_mwh } } };
    };
    const instances = [spends('pi-1', 0.1, 3), spends('pi-2', 0.2, 1)];
    const state = routerStateOf({ instances, requirements: [{ ...latency, price: null }, accuracy] });
    const { url } = await startAdmin([state, routerStateOf({ service: 'other' })]);
    const text = await (await fetch(`${url}/metrics`)).text();
    const samples = text.split('\n').filter((line) => /^qedge_service_(share|request_energy)/.test(line));
    expect(samples).toEqual([
      'qedge_service_request_energy_joules{service="pilotnet"} 0.45',
      'qedge_service_share_ratio{service="pilotnet",share="accuracy"} 0.74',
      'qedge_service_share_held_ratio{service="pilotnet",share="accuracy"} 0.6',
    ]);
    expect(execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })).toBe('');
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
