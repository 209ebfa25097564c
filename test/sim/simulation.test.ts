import { describe, expect, it } from 'vitest';
import { runOne } from '../../src/sim/experiment.ts';
import { createStream, pareto } from '../../src/sim/random.ts';
import { computeMetrics } from '../../src/sim/results/metrics.ts';
import type { Recorder } from '../../src/sim/results/recorder.ts';
import type { Scenario, ScenarioEvent } from '../../src/sim/scenario.ts';
import { createWorld } from '../../src/sim/world/world.ts';
import { MODEL, smallScenario } from './support.ts';

const run = (scenario: Scenario, seed = 1, policy = 'round-robin'): Recorder =>
  runOne({ scenario, world: createWorld(scenario, seed), policy, seed });

const instance = { instance: 'i1', forMs: Number.POSITIVE_INFINITY };

const withEvent = (event: ScenarioEvent): Scenario => smallScenario({ events: [event] });

/** Tries that came to i1 within [from, to) seconds. */
const arrivalsOfFirst = (recorder: Recorder, from: number, to: number): number =>
  recorder.arrivals.subarray(from, to).reduce((a, x) => a + x, 0);

describe('a simulation', () => {
  it('sends what its clients send: six at 10 a second for 20 s', () => {
    const { endings, attempts } = run(smallScenario());
    expect(endings.success + endings.late).toBe(attempts);
    expect(attempts).toBeGreaterThanOrEqual(1_199);
    expect(attempts).toBeLessThanOrEqual(1_201);
  });

  it('is the same to the last bit under the same seed, and another under another', () => {
    const [first, again, other] = [run(smallScenario(), 5), run(smallScenario(), 5), run(smallScenario(), 6)];
    expect(again).toEqual(first);
    expect(other.latency).not.toEqual(first.latency);
  });

  it('answers in round trip plus processing: an idle instance on the own node takes about 8.5 ms', () => {
    const scenario = smallScenario({
      topology: { kind: 'matrix', nodes: ['a'], rttMs: [[0.5]], instances: ['a'], balancers: ['a'] },
      clients: smallScenario().clients.map((group) => ({ ...group, each: 1, ratePerSecond: 5 })),
      durationMs: 400_000,
    });
    const { latencyP50Ms } = computeMetrics(run(scenario), scenario, null);
    // Medians: lognormal(5, cv 0.5) 4.5 ms + fixed 2 + Exp(1) 0.7 + 0.5 RTT + Exp(0.5) jitter 0.35, sums a bit to the right.
    expect(latencyP50Ms).toBeGreaterThan(7.5);
    expect(latencyP50Ms).toBeLessThan(9.5);
  });

  it('sends Poisson clients at their rate, too', () => {
    const clients = smallScenario().clients.map((group) => ({ ...group, pattern: 'poisson' as const }));
    const { attempts } = run(smallScenario({ clients }));
    // Poisson(1200): four standard deviations are 139.
    expect(Math.abs(attempts - 1_200)).toBeLessThan(139);
  });

  it('refuses at a crashed instance and retries elsewhere', () => {
    const { endings, attempts } = run(withEvent({ kind: 'crash', atMs: 5_000, detectedMs: 1e9, ...instance }));
    expect(attempts).toBeGreaterThan(endings.success + 200);
    expect(endings.refused).toBe(0);
  });

  it('attempts every instance once before any of them twice, as the proxy does', () => {
    const crash = (instance: string): ScenarioEvent => ({
      kind: 'crash',
      atMs: 5_000,
      instance,
      forMs: 1e9,
      detectedMs: 1e9,
    });
    const scenario = smallScenario({ events: [crash('i1'), crash('i2')] });
    const { endings } = run({ ...scenario, network: { ...scenario.network, retries: 2 } }, 1, 'random');
    expect(endings.refused).toBe(0);
  });

  it('gives a crash back as refused when no retry is allowed', () => {
    const scenario = withEvent({ kind: 'crash', atMs: 5_000, detectedMs: 1e9, ...instance });
    const { endings } = run({ ...scenario, network: { ...scenario.network, retries: 0 } });
    expect(endings.refused).toBeGreaterThan(250);
  });

  it('withdraws a crashed instance once it is detected, and announces it again when it is back', () => {
    const recorder = run(withEvent({ kind: 'crash', atMs: 5_000, instance: 'i1', forMs: 7_000, detectedMs: 1_000 }));
    expect(arrivalsOfFirst(recorder, 8, 11)).toBe(0);
    expect(arrivalsOfFirst(recorder, 14, 18)).toBeGreaterThan(60);
  });

  it('lets a leaving instance finish: nothing is lost', () => {
    const recorder = run(withEvent({ kind: 'leave', atMs: 5_000, instance: 'i1', graceMs: 2_000 }));
    expect(recorder.endings.refused + recorder.endings.failed + recorder.endings.timeout).toBe(0);
    expect(arrivalsOfFirst(recorder, 6, 20)).toBe(0);
  });

  it('sends to an instance that joins', () => {
    const recorder = run(withEvent({ kind: 'join', atMs: 5_000, instance: 'i4', node: 'b' }));
    const joined = recorder.arrivals.subarray(3 * 20, 4 * 20);
    expect(joined.subarray(0, 5).every((x) => x === 0)).toBe(true);
    expect(joined.subarray(8, 12).reduce((a, x) => a + x, 0)).toBeGreaterThan(40);
  });

  it('times out what a hung instance holds', () => {
    const recorder = run(withEvent({ kind: 'hang', atMs: 5_000, instance: 'i1', forMs: 5_000 }));
    // A third of 60 requests a second, for 5 s less the last second's, which are answered late.
    expect(recorder.endings.timeout).toBeGreaterThan(70);
    expect(recorder.endings.timeout).toBeLessThan(105);
  });

  it.each([
    { kind: 'slow', atMs: 0, factor: 40, ...instance },
    { kind: 'delay', atMs: 0, addMs: 100, ...instance },
    { kind: 'link', atMs: 0, addMs: 100, ...instance },
  ] as const)('makes answers late: $kind', (event) => {
    const { endings } = run(withEvent(event));
    expect(endings.late + endings.timeout).toBeGreaterThan(300);
  });

  it('takes as much longer as the requests of a client are larger', () => {
    const inTime = (workFactor: number): number => {
      const clients = smallScenario().clients.map((group) => ({ ...group, workFactor }));
      const { endings, attempts } = run(smallScenario({ clients }));
      return endings.success / attempts;
    };
    expect(inTime(1)).toBe(1);
    expect(inTime(8)).toBeLessThan(0.9);
    expect(inTime(30)).toBeLessThan(0.1);
  });

  it('fails the given share of requests', () => {
    const { endings } = run(withEvent({ kind: 'errors', atMs: 0, ratio: 0.5, ...instance }));
    // Binomial(400, 0.5): four standard deviations are 40.
    expect(Math.abs(endings.failed - 200)).toBeLessThan(40);
  });

  it('flaps: down, up, down again', () => {
    const event = { kind: 'flap', atMs: 4_000, instance: 'i1', forMs: 16_000, upMs: 4_000, downMs: 4_000 } as const;
    const { attempts, endings } = run(withEvent(event));
    const refused = attempts - endings.success - endings.late;
    // Down for 8 of 20 s at a third of 60 requests a second, or somewhat more, since a retry takes a turn too.
    expect(refused).toBeGreaterThan(120);
    expect(refused).toBeLessThan(260);
  });

  it('stalls everything for a while, and makes up for it', () => {
    const calm = run(smallScenario());
    const stalling = run(smallScenario({ model: { ...MODEL, stallEveryMs: 1_000, stallMs: 100 } }));
    expect(stalling.endings.late).toBeGreaterThan(calm.endings.late + 30);
    expect(stalling.endings.success + stalling.endings.late).toBe(stalling.attempts);
  });

  it('stands still everywhere at once, again and again: hiccups', () => {
    const event = { kind: 'hiccups', atMs: 0, forMs: 20_000, gapMs: 500, pauseMs: 300 } as const;
    const { endings, attempts } = run(withEvent(event));
    expect(endings.late).toBeGreaterThan(100);
    expect(endings.success + endings.late).toBe(attempts);
  });

  it('routes on through a restart of every load balancer', () => {
    const event = { kind: 'restart', atMs: 10_000, on: 'all', state: 'warm', ageMs: 5_000 } as const;
    const { endings, attempts } = run(withEvent(event));
    expect(endings.success).toBe(attempts);
  });

  it('counts what nothing can reach as timed out', () => {
    const far = Number.POSITIVE_INFINITY;
    const scenario = smallScenario({
      topology: {
        kind: 'matrix',
        nodes: ['a', 'b'],
        rttMs: [
          [0.5, far],
          [far, 0.5],
        ],
        instances: ['a', 'b'],
        balancers: ['a'],
      },
    });
    const { endings } = run(scenario);
    expect(Math.abs(endings.timeout - 200)).toBeLessThanOrEqual(1);
  });
});

describe('clients of a simulation', () => {
  const requestsOf = (changes: Partial<Scenario['clients'][number]>): Recorder =>
    run(
      smallScenario({
        durationMs: 300_000,
        clients: smallScenario().clients.map((group) => ({ ...group, ...changes })),
      }),
    );

  it('send as many requests in bursts as one by one, and are served worse', () => {
    const [even, bursts] = [requestsOf({}), requestsOf({ burst: 60 })];
    expect(Math.abs(bursts.attempts - even.attempts)).toBeLessThan(0.03 * even.attempts);
    expect(bursts.endings.late).toBeGreaterThan(even.endings.late + 1_000);
  });

  it('are silent in turns: two thirds of the time here', () => {
    const { attempts } = requestsOf({ busyMs: 1_000, idleMs: 2_000 });
    // 600 spells of each kind: five standard errors of the share of time are 0.07.
    expect(Math.abs(attempts / (60 * 300) - 1 / 3)).toBeLessThan(0.07);
  });
});

describe('instances of a simulation', () => {
  it('load their model at the first request: those that come meanwhile wait', () => {
    const { endings } = run(smallScenario({ model: { ...MODEL, coldLoadMs: 900, coldIdleMs: 60_000 } }));
    // 60 requests a second for 0.9 s, and what has waited for a while after that.
    expect(endings.late + endings.timeout).toBeGreaterThan(45);
    expect(endings.late + endings.timeout).toBeLessThan(150);
  });

  it('load it again after they crashed', () => {
    const model = { ...MODEL, coldLoadMs: 900, coldIdleMs: 60_000 };
    const events = [{ kind: 'crash', atMs: 8_000, detectedMs: 500, instance: 'i1', forMs: 4_000 }] as const;
    const late = (recorder: Recorder): number => recorder.endings.late + recorder.endings.timeout;
    expect(late(run(smallScenario({ model, events })))).toBeGreaterThan(late(run(smallScenario({ model }))) + 10);
  });

  it('share their processor with a neighbour, which slows them while it is busy', () => {
    const neighbour = { ratePerSecond: 80, workMeanMs: 10, busyMs: 0, idleMs: 0 };
    const alone = run(smallScenario());
    const shared = run(smallScenario({ model: { ...MODEL, neighbour } }));
    expect(shared.attempts).toBe(alone.attempts);
    // 80 % of the processor is taken: 5 ms of work take five times as long, and a tenth of the requests longer than the limit.
    expect(computeMetrics(shared, smallScenario(), null).latencyP50Ms).toBeGreaterThan(
      computeMetrics(alone, smallScenario(), null).latencyP50Ms + 5,
    );
    expect(shared.endings.late).toBeGreaterThan(30);
  });

  it('have the mean of their work with a Pareto tail, too', () => {
    const rng = createStream(3, 'pareto');
    const draws = Array.from({ length: 200_000 }, () => pareto(rng, 5, 2.5));
    // The standard deviation of one is 4.5: six standard errors are 0.06.
    expect(Math.abs(draws.reduce((sum, x) => sum + x, 0) / draws.length - 5)).toBeLessThan(0.06);
    expect(Math.min(...draws.slice(0, 1_000))).toBeGreaterThanOrEqual(3);
  });
});

describe('moments of a simulation', () => {
  it('make the links to several instances slow together', () => {
    const event = {
      kind: 'bursts',
      atMs: 0,
      forMs: 20_000,
      instances: 2,
      gapMs: 500,
      lengthMs: 500,
      addMs: 100,
    } as const;
    const { endings, attempts } = run(withEvent(event));
    // Two thirds of the requests for about half of the time.
    expect(endings.late).toBeGreaterThan(attempts / 6);
    expect(endings.late).toBeLessThan(attempts / 2);
  });

  it('hold up what is announced while the broker hangs', () => {
    const crash = { kind: 'crash', atMs: 5_000, instance: 'i1', forMs: 20_000, detectedMs: 500 } as const;
    const hang = { kind: 'broker', atMs: 4_000, forMs: 6_000, how: 'hang' } as const;
    const arrivals = (events: Scenario['events']): number =>
      run({ ...smallScenario(), events })
        .arrivals.subarray(7, 10)
        .reduce((sum, x) => sum + x, 0);
    expect(arrivals([crash])).toBe(0);
    expect(arrivals([crash, hang])).toBeGreaterThan(0);
  });

  it('hold up what a load balancer sends and what comes back to it while its uplink stands still', () => {
    const event = { kind: 'uplink', atMs: 0, forMs: 20_000, on: ['a'], gapMs: 500, pauseMs: 300 } as const;
    const { endings, sent, succeeded, shape } = run(withEvent(event));
    expect(endings.late).toBeGreaterThan(20);
    expect(endings.success + endings.late).toBe(sent.reduce((sum, x) => sum + x, 0));
    // Clients of the other two load balancers notice nothing.
    const others = shape.seconds * 2;
    expect(succeeded.subarray(others)).toEqual(sent.subarray(others));
  });
});

describe('the oracle', () => {
  it('beats round-robin where distance matters', () => {
    const rttMs = [
      [0.5, 75, 75],
      [75, 0.5, 75],
      [75, 75, 0.5],
    ];
    const scenario = smallScenario({
      topology: { ...smallScenario().topology, kind: 'matrix', rttMs } as Scenario['topology'],
    });
    const oracle = run(scenario, 1, 'oracle');
    expect(oracle.endings.late).toBeLessThan(5);
    expect(run(scenario).endings.late).toBeGreaterThan(500);
  });

  it('leaves a crashed instance the moment it crashes', () => {
    const scenario = withEvent({ kind: 'crash', atMs: 5_000, detectedMs: 1e9, ...instance });
    const recorder = run(scenario, 1, 'oracle');
    expect(arrivalsOfFirst(recorder, 6, 20)).toBe(0);
  });
});
