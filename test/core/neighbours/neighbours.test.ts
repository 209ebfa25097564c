import { describe, expect, it } from 'vitest';
import { BUCKETS, bucketOf } from '../../../src/core/neighbours/histogram.ts';
import { Neighbours } from '../../../src/core/neighbours/neighbours.ts';
import type { Summary } from '../../../src/core/neighbours/summary.ts';
import { FlightTable } from '../../../src/core/router/flight-table.ts';
import { candidateAt } from '../candidates.ts';

const LATENCY_MS = 100;
const SAMPLES_MAX = 20;
const RTT_MS = 5;
const LOOK = { limitMs: 80, ownWeight: 0, nowMs: 0 };
/** With own samples, beside which a neighbour may say as much as one. */
const KNOWING = { ...LOOK, ownWeight: 3 };

function neighboursWith({ use = true, instances = 2 } = {}) {
  const candidates = Array.from({ length: instances }, (_, handle) => {
    const candidate = candidateAt(handle, RTT_MS);
    candidate.rttKnown = true;
    return candidate;
  });
  const ignored: string[] = [];
  const flights = new FlightTable(8);
  flights.ensureHandles(instances);
  const neighbours = new Neighbours({
    use,
    samplesMax: SAMPLES_MAX,
    latencyMs: LATENCY_MS,
    nowMs: 0,
    candidates: () => candidates,
    handleOf: (key) => candidates.find((candidate) => candidate.key === key)?.handle,
    agesMs: (handle, fromMs, toMs, nowMs) => flights.agesMs(handle, fromMs, toMs, nowMs),
    perSecond: () => 1,
    inFlight: () => 0,
    onIgnored: (nodeId, key) => ignored.push(`${nodeId} ${key}`),
  });
  const keyOf = (handle: number): string => candidates[handle]?.key ?? '';
  /** So many answers that took so long; null: failures. */
  const summary = (handle: number, tookMs: number | null, times: number): Summary => {
    const counts = Array.from({ length: BUCKETS }, (_, b) => (tookMs !== null && b === bucketOf(tookMs) ? times : 0));
    const failures = tookMs === null ? times : 0;
    return { spanMs: 2_000, instances: [{ key: keyOf(handle), counts, failures, perSecond: times / 2, inFlight: 0 }] };
  };
  /** An attempt of this load balancer ends; `tookMs` at the instance, null: it failed. */
  const observe = (handle: number, tookMs: number | null): void => {
    const endedMs = Number.POSITIVE_INFINITY;
    const candidate = candidates[handle];
    if (candidate !== undefined) neighbours.observe(candidate, tookMs === null ? null : tookMs + RTT_MS, endedMs);
  };
  /** This load balancer sees so many answers, and says so. */
  const see = (handle: number, tookMs: number, times: number, nowMs: number): void => {
    for (let i = 0; i < times; i++) observe(handle, tookMs);
    neighbours.summarize(nowMs);
  };
  return { neighbours, ignored, flights, candidates, keyOf, summary, observe, see };
}

describe('what neighbours say', () => {
  it('counts by κ, and by half as much three seconds later', () => {
    const { neighbours, summary } = neighboursWith();
    neighbours.hear('n1', summary(0, 30, 3), 0);
    neighbours.look(0, KNOWING);
    expect(neighbours).toMatchObject({ weight: expect.closeTo(0.9), lately: 3, latelyInTime: 3 });
    neighbours.look(0, { ...KNOWING, nowMs: 3_000 });
    expect(neighbours.weight).toBeCloseTo(0.45);
    neighbours.look(0, { ...KNOWING, nowMs: 10_001 });
    expect(neighbours.weight).toBe(0);
  });

  it('counts once, as news or with the next summary by one that did not hear it', () => {
    const [early, late] = [neighboursWith(), neighboursWith()];
    const news: Summary = { ...early.summary(0, 30, 1), isNews: true };
    const whole: Summary = { ...early.summary(1, 30, 2), asNews: news.instances };
    early.neighbours.hear('n1', news, 0);
    for (const { neighbours } of [early, late]) {
      neighbours.hear('n1', whole, 0);
      neighbours.look(0, KNOWING);
      expect(neighbours.weight).toBeCloseTo(0.3);
    }
    // What is news since then, it did not hear.
    early.neighbours.hear('n1', whole, 0);
    early.neighbours.look(0, KNOWING);
    expect(early.neighbours.weight).toBeCloseTo(0.6);
  });

  it('counts with the next summary where one piece of news was lost and another heard', () => {
    const { neighbours, summary } = neighboursWith();
    const [heard, lost] = [summary(0, 30, 1), summary(1, 30, 2)];
    neighbours.hear('n1', { ...heard, isNews: true }, 0);
    neighbours.hear('n1', { ...summary(0, 30, 1), asNews: [...heard.instances, ...lost.instances] }, 0);
    neighbours.look(0, KNOWING);
    expect(neighbours.weight).toBeCloseTo(0.6);
    neighbours.look(1, KNOWING);
    expect(neighbours.weight).toBeCloseTo(0.6);
  });

  it('is remembered for half a minute, ten samples of each, as what to expect', () => {
    const { neighbours, summary } = neighboursWith();
    neighbours.hear('n1', summary(0, 30, 5), 0);
    neighbours.hear('n2', summary(0, 500, 1_000), 0);
    neighbours.look(0, { ...LOOK, nowMs: 6_000 });
    expect(neighbours.lately).toBeCloseTo(15);
    expect(neighbours.latelyInTime).toBeCloseTo(5);
    neighbours.look(0, { ...LOOK, nowMs: 10_001 });
    expect(neighbours).toMatchObject({ lately: 0, latelyInTime: 0 });
  });

  it('is that they send an instance nothing more once they speak of others alone', () => {
    const { neighbours, summary } = neighboursWith();
    neighbours.hear('n1', summary(0, 30, 20), 0);
    for (let nowMs = 2_000; nowMs <= 12_000; nowMs += 2_000) neighbours.hear('n1', summary(1, 30, 20), nowMs);
    expect([0, 1].map((handle) => neighbours.sentPerSecond(handle, 12_000))).toEqual([0, 10]);
  });

  it('never counts for more than the bound, however much one of them says, and for less the more is known here', () => {
    const { neighbours, summary } = neighboursWith();
    neighbours.hear('n0', summary(0, 30, 1_000_000), 0);
    neighbours.look(0, KNOWING);
    expect(neighbours.weight).toBeCloseTo(1);
    for (let n = 1; n < 9; n++) neighbours.hear(`n${n}`, summary(0, 30, 1_000_000), 0);
    neighbours.look(0, { ...LOOK, ownWeight: 15 });
    expect(neighbours.weight).toBeCloseTo(SAMPLES_MAX / 16);
  });

  it('weighs no more than what was seen here and one sample more, however many claim however much', () => {
    const { neighbours, summary } = neighboursWith();
    for (let n = 0; n < 9; n++) neighbours.hear(`n${n}`, summary(0, 1, 1_000_000), 0);
    for (const ownWeight of [0, 0.5, 2]) {
      neighbours.look(0, { ...LOOK, ownWeight });
      expect(neighbours.weight).toBeCloseTo(1 + ownWeight);
    }
  });

  it('weighs no more than that either where three of them claim that hardly an answer is in time', () => {
    const { neighbours, summary } = neighboursWith();
    for (let n = 0; n < 8; n++) neighbours.hear(`n${n}`, summary(0, 500, 1_000_000), 0);
    for (const ownWeight of [0, 0.5, 2]) {
      neighbours.look(0, { ...LOOK, ownWeight });
      expect(neighbours).toMatchObject({ failing: true, weight: 1 + ownWeight, latelyInTime: 0 });
    }
  });

  it('is no failure while others have answers in time, however many late ones three of them claim', () => {
    const { neighbours, summary } = neighboursWith();
    for (let n = 0; n < 3; n++) neighbours.hear(`liar${n}`, summary(0, 500, 1_000_000), 0);
    neighbours.look(0, LOOK);
    expect(neighbours.failing).toBe(true);
    neighbours.hear('n1', summary(0, 30, 8), 0);
    neighbours.look(0, LOOK);
    expect(neighbours.failing).toBe(false);
  });

  it('is no failure where there were answers in time here', () => {
    const { neighbours, summary, see } = neighboursWith();
    for (let n = 0; n < 3; n++) neighbours.hear(`liar${n}`, summary(0, 500, 1_000_000), 2_000);
    see(0, 30, 8, 2_000);
    neighbours.look(0, { ...LOOK, nowMs: 2_000 });
    expect(neighbours.failing).toBe(false);
  });

  it('counts for nothing where it is only observed', () => {
    const { neighbours, summary } = neighboursWith({ use: false });
    neighbours.hear('n1', summary(0, 30, 10), 0);
    neighbours.look(0, LOOK);
    expect(neighbours).toMatchObject({ weight: 0, lately: 0, failing: false });
    expect(neighbours.state(0).heard).toMatchObject([{ nodeId: 'n1', summaries: 1, instances: 1 }]);
  });

  it('is no failure until three of them see one', () => {
    const { neighbours, summary } = neighboursWith();
    for (const node of ['n1', 'n2']) neighbours.hear(node, summary(0, null, 5), 0);
    neighbours.look(0, LOOK);
    expect(neighbours).toMatchObject({ weight: 0, failing: false });
    neighbours.hear('n3', summary(0, null, 5), 0);
    neighbours.look(0, LOOK);
    expect(neighbours.failing).toBe(true);
    expect(neighbours.weight).toBeGreaterThan(0);
    expect(neighbours.latelyInTime).toBe(0);
  });

  it('is as good as a failure where three of them have late answers and hardly one is in time', () => {
    const { neighbours, summary } = neighboursWith();
    for (const node of ['n1', 'n2', 'n3']) {
      neighbours.look(0, LOOK);
      expect(neighbours.failing).toBe(false);
      neighbours.hear(node, summary(0, 500, 2), 0);
    }
    neighbours.look(0, LOOK);
    expect(neighbours.failing).toBe(true);
    neighbours.hear('n4', summary(0, 30, 2), 0);
    neighbours.look(0, LOOK);
    expect(neighbours.failing).toBe(false);
  });

  it('is judged by what all others say where too little is seen here, but never against what is seen here', () => {
    const { neighbours, ignored, keyOf, summary, see } = neighboursWith();
    const says = (node: string, handle: number, tookMs: number, times = 5): void =>
      neighbours.hear(node, summary(handle, tookMs, times), 2_000);
    for (const node of ['n1', 'n2', 'n3', 'n4']) says(node, 0, 60);
    for (let turn = 0; turn < 2; turn++) says('liar', 0, 1, 100);
    expect(ignored).toEqual([`liar ${keyOf(0)}`]);
    // Most lie of the other instance, and one does not.
    see(1, 60, 20, 2_000);
    for (const node of ['n5', 'n6']) for (let turn = 0; turn < 2; turn++) says(node, 1, 1, 100);
    for (let turn = 0; turn < 2; turn++) says('n7', 1, 60);
    expect(ignored.slice(1)).toEqual([`n5 ${keyOf(1)}`, `n6 ${keyOf(1)}`]);
  });

  it('is not judged by what one says that is ignored, or that is heard no more', () => {
    const { neighbours, ignored, keyOf, summary, see } = neighboursWith();
    see(0, 60, 20, 2_000);
    for (const nowMs of [2_000, 4_000]) {
      neighbours.hear('liar', summary(1, 1, 50), nowMs);
      neighbours.hear('liar', summary(0, 1, 20), nowMs);
    }
    expect(ignored).toEqual([`liar ${keyOf(0)}`]);
    for (const nowMs of [4_000, 6_000]) neighbours.hear('n1', summary(1, 60, 50), nowMs);
    for (const nowMs of [20_000, 22_000]) neighbours.hear('n2', summary(1, 500, 50), nowMs);
    expect(ignored).toHaveLength(1);
  });

  it('is ignored for a minute when it is wrong twice, once when it was before, and comes back when it is right', () => {
    const { neighbours, ignored, keyOf, summary, see } = neighboursWith();
    see(0, 60, 20, 2_000);
    neighbours.hear('liar', summary(0, 1, 20), 2_000);
    expect(ignored).toEqual([]);
    neighbours.hear('liar', summary(0, 1, 20), 4_000);
    expect(ignored).toEqual([`liar ${keyOf(0)}`]);
    neighbours.look(0, { ...LOOK, nowMs: 4_000 });
    expect(neighbours.weight).toBe(0);
    expect(neighbours.state(4_000).heard).toMatchObject([{ ignoredMs: 60_000, wrongOver: keyOf(0) }]);
    see(0, 60, 20, 64_000);
    neighbours.hear('liar', summary(0, 1, 20), 64_001);
    expect(ignored).toHaveLength(2);
    for (let nowMs = 66_000; nowMs <= 200_000; nowMs += 2_000) {
      see(0, 60, 4, nowMs);
      neighbours.hear('liar', summary(0, 60, 4), nowMs);
    }
    neighbours.look(0, { ...LOOK, nowMs: 200_000 });
    expect(neighbours.weight).toBeGreaterThan(0);
    expect(ignored).toHaveLength(2);
  });

  it('is forgiven by what it says rightly, and not by what cannot be compared', () => {
    const { neighbours, ignored, summary, see } = neighboursWith();
    const says = (tookMs: number, nowMs: number, times = 20): void => {
      see(0, 60, 20, nowMs);
      neighbours.hear('n1', summary(0, tookMs, times), nowMs);
    };
    says(1, 2_000);
    says(1, 4_000);
    expect(ignored).toHaveLength(1);
    for (let nowMs = 6_000; nowMs <= 300_000; nowMs += 2_000) says(60, nowMs);
    expect(neighbours.state(300_000).heard).toMatchObject([{ ignoredMs: 0, wrongOver: null }]);
    says(1, 300_001, 2_000);
    expect(ignored).toHaveLength(1);
    neighbours.hear('n1', { spanMs: 2_000, instances: [] }, 300_002);
    says(1, 300_003, 2_000);
    expect(ignored).toHaveLength(2);
  });

  it('says nothing of a streak where too little is known to compare', () => {
    const { neighbours, ignored, summary, see } = neighboursWith();
    see(0, 60, 20, 2_000);
    neighbours.hear('n1', summary(0, 1, 20), 2_000);
    // Five half-lives later too little is left of either.
    see(1, 60, 1, 102_000);
    neighbours.hear('n1', summary(1, 1, 1), 102_000);
    see(0, 60, 20, 104_000);
    neighbours.hear('n1', summary(0, 1, 20), 104_000);
    expect(ignored).toHaveLength(1);
  });

  it('is believed where the ways there were measured a few milliseconds apart', () => {
    const { neighbours, ignored, summary, see } = neighboursWith();
    for (let nowMs = 2_000; nowMs <= 40_000; nowMs += 2_000) {
      see(0, 3, 20, nowMs);
      neighbours.hear('n1', summary(0, 10, 20), nowMs);
    }
    expect(ignored).toEqual([]);
  });

  it('of an instance that is not known here changes nothing, and is forgotten with its instance', () => {
    const { neighbours, summary } = neighboursWith();
    neighbours.hear(
      'n1',
      { spanMs: 2_000, instances: summary(0, 30, 9).instances.map((one) => ({ ...one, key: 'x/y' })) },
      0,
    );
    neighbours.hear('n2', summary(1, 30, 9), 0);
    expect(neighbours.state(0).heard.map(({ instances }) => instances)).toEqual([0, 1]);
    neighbours.forget(1);
    neighbours.look(1, LOOK);
    expect(neighbours.weight).toBe(0);
  });

  it('is followed by silence ten seconds after the last, and by help again with the next', () => {
    const { neighbours, summary } = neighboursWith();
    const isSilent = (nowMs: number) => neighbours.state(nowMs).heard.map(({ silent }) => silent);
    neighbours.hear('n1', summary(0, 30, 9), 0);
    expect([...isSilent(10_000), ...isSilent(10_001)]).toEqual([false, true]);
    neighbours.hear('n1', summary(0, 30, 9), 20_000);
    expect(isSilent(20_001)).toEqual([false]);
  });

  it('comes from 64 of them at the most', () => {
    const { neighbours, summary } = neighboursWith();
    for (let n = 0; n < 100; n++) neighbours.hear(`n${n}`, summary(0, 30, 1), 0);
    expect(neighbours.state(0).heard).toHaveLength(64);
    neighbours.summarize(120_001);
    expect(neighbours.state(120_001).heard).toEqual([]);
  });
});

describe('what is said to neighbours', () => {
  it('is what was seen since it was said last, the busiest sixteen instances of many', () => {
    const { neighbours, keyOf, observe } = neighboursWith({ instances: 20 });
    observe(3, 30);
    observe(3, null);
    const said = neighbours.summarize(2_000);
    expect(said).toMatchObject({ spanMs: 2_000, instances: [{ key: keyOf(3), failures: 1 }] });
    expect(said?.instances[0]?.counts[bucketOf(30)]).toBe(1);
    expect(neighbours.summarize(4_000)).toBeNull();
    for (let handle = 0; handle < 20; handle++) observe(handle, 30);
    expect(neighbours.summarize(6_000)?.instances).toHaveLength(16);
  });
});

describe('what is late while it is in flight', () => {
  const countsOf = (said: Summary | null): number => said?.instances[0]?.counts.reduce((sum, one) => sum + one, 0) ?? 0;

  it('is said before it ends, as late, and once', () => {
    const { neighbours, flights, candidates } = neighboursWith();
    const [to] = candidates;
    if (to === undefined) throw new Error('no candidate');
    const early = flights.add(to.handle, 0);
    flights.add(to.handle, 1_950);
    const first = neighbours.summarize(2_000);
    expect(countsOf(first)).toBe(1);
    expect(first?.instances[0]?.counts[bucketOf(2_000 - RTT_MS)]).toBe(1);
    // It ends in the next span, in which the other one becomes late.
    flights.remove(early);
    neighbours.observe(to, 2_500, 0);
    const second = neighbours.summarize(4_000);
    expect(countsOf(second)).toBe(1);
    expect(countsOf(neighbours.summarize(6_000))).toBe(0);
  });

  it('is said as a failure all the same where it fails in the end', () => {
    const { neighbours, flights, candidates } = neighboursWith();
    const [to] = candidates;
    if (to === undefined) throw new Error('no candidate');
    flights.add(to.handle, 0);
    neighbours.summarize(2_000);
    neighbours.observe(to, null, 0);
    expect(neighbours.summarize(4_000)?.instances[0]).toMatchObject({ failures: 1 });
  });

  it('says nothing of an instance whose distance is only guessed', () => {
    const { neighbours, flights, candidates } = neighboursWith();
    const [, to] = candidates;
    if (to === undefined) throw new Error('no candidate');
    to.rttKnown = false;
    flights.add(to.handle, 0);
    expect(neighbours.summarize(2_000)).toBeNull();
  });
});
