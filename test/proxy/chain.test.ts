import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Chain } from '../../src/core/chain/chain.ts';
import { textOf } from '../support/metrics.ts';
import { startInstance, startProxy } from '../support/proxy.ts';

const STAGES = ['detector', 'tracker', 'planner'];

/** An instance that takes so long for each request, as long as it says so. */
async function startStage(pace: { ms: number }): Promise<number> {
  const { port } = await startInstance((_request, response) => {
    setTimeout(() => response.end('done'), pace.ms);
  });
  return port;
}

interface Rig {
  readonly chain: Chain;
  readonly metrics: () => string;
  readonly accounts: readonly { readonly success: boolean }[];
  /** Asks for a stage of a run; the status. */
  ask(stage: string, field: string, fields?: Readonly<Record<string, string>>): Promise<number>;
}

/** Three services in a row behind one proxy, with limits of their own that are far below the goal of the whole. */
async function startRig(paces: Readonly<Record<string, { ms: number }>>, goalMs: number): Promise<Rig> {
  const goal = { latencyMs: goalMs, successRatio: 0.9, windowMs: 60_000 };
  const chain = new Chain({ name: 'perception', stages: STAGES, goal, work: [1, 1, 1] });
  const services = await Promise.all(
    STAGES.map(async (name) => ({
      name,
      ports: [await startStage(paces[name] ?? { ms: 0 })],
      policy: { name: 'qedge', options: {} },
      qos: { latencyMs: 20, successRatio: 0.9, windowMs: 60_000 },
    })),
  );
  const { url, metrics, accounts } = await startProxy(services, {}, 'n0', [chain]);
  return {
    chain,
    accounts,
    metrics: () => textOf(metrics),
    ask: async (stage, field, fields = {}) => {
      const headers = { 'X-QEdge-Service': stage, 'X-QEdge-Chain': field, 'X-Client-Id': 'robot', ...fields };
      const response = await fetch(url, { headers });
      await response.arrayBuffer();
      return response.status;
    },
  };
}

describe('a chain of three services', () => {
  it('is a success as a whole though one stage slows down far beyond the limit of its service', async () => {
    const tracker = { ms: 0 };
    const rig = await startRig({ tracker }, 5000);
    for (let run = 0; run < 24; run++) {
      if (run === 12) tracker.ms = 40;
      for (const stage of STAGES) expect(await rig.ask(stage, `perception/${run}`)).toBe(200);
    }
    const { results, stages, clientsSatisfiedRatio } = rig.chain.state(performance.now());
    expect(results).toEqual({ success: 24, late: 0, failed: 0, abandoned: 0 });
    expect(clientsSatisfiedRatio).toBe(1);
    // The stage that takes longest has most of the goal.
    expect(stages[1]?.reserveMs).toBeGreaterThan(35);
    expect(stages[1]?.shareMs).toBeGreaterThan(stages[0]?.shareMs ?? 0);
    // Each stage was in time for what the run had left.
    expect(rig.accounts.every(({ success }) => success)).toBe(true);
  });

  it('is late when the stages together take longer than its goal, each in time or not', async () => {
    const rig = await startRig({ tracker: { ms: 40 }, planner: { ms: 40 } }, 50);
    for (const stage of STAGES) expect(await rig.ask(stage, 'perception/1')).toBe(200);
    expect(rig.chain.state(performance.now()).results.late).toBe(1);
  });

  it('counts the time that its client takes between two stages', async () => {
    const rig = await startRig({}, 30);
    await rig.ask('detector', 'perception/1');
    await wait(40);
    await rig.ask('tracker', 'perception/1');
    await rig.ask('planner', 'perception/1');
    expect(rig.chain.state(performance.now()).results.late).toBe(1);
  });

  it('answers a request whose claim it cannot follow as one of its service alone, and says why', async () => {
    const rig = await startRig({}, 5000);
    const bad = [
      ['detector', 'nothing/1', 'unknown-chain'],
      ['detector', 'perception', 'malformed'],
      ['detector', 'perception/', 'malformed'],
      ['detector', `perception/${'x'.repeat(200)}`, 'malformed'],
      ['planner', 'perception/2', 'unknown-run'],
    ] as const;
    for (const [stage, field] of bad) expect(await rig.ask(stage, field)).toBe(200);
    await rig.ask('detector', 'perception/3');
    expect(await rig.ask('detector', 'perception/3')).toBe(200);
    const metrics = rig.metrics();
    expect(metrics).toContain('qedge_chain_requests_ignored_total{chain="",reason="unknown-chain"} 1');
    expect(metrics).toContain('qedge_chain_requests_ignored_total{chain="",reason="malformed"} 3');
    expect(metrics).toContain('qedge_chain_requests_ignored_total{chain="perception",reason="unknown-run"} 1');
    expect(metrics).toContain('qedge_chain_requests_ignored_total{chain="perception",reason="loop"} 1');
    expect(rig.chain.state(performance.now()).results).toEqual({ success: 0, late: 0, failed: 0, abandoned: 0 });
  });
});
