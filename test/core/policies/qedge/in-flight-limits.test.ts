import { describe, expect, it } from 'vitest';
import { InFlightLimits } from '../../../../src/core/policies/qedge/in-flight-limits.ts';
import { candidateAt, candidatesAt } from '../../candidates.ts';

const STEP_MS = 500;
const MEMBERS = candidatesAt(1);
const STEP = { kept: 0.6, isOverdue: () => false };

/** Has the instance a limit of so many in flight. */
function impose(limits: InFlightLimits, limit: number, nowMs: number): void {
  limits.impose(0, nowMs);
  limits.step(MEMBERS, { ...STEP, least: limit });
  limits.step(MEMBERS, { ...STEP, least: 0.001 });
}

/** An instance that takes requests one after another, each for so long, and the limit on what it is sent. */
class Driven {
  readonly limits: InFlightLimits;
  nowMs = 0;
  /** Answers in time so far. */
  inTime = 0;
  readonly #budgetMs: number;
  #freeMs = 0;
  #flights: { startMs: number; endMs: number }[] = [];

  constructor(latencyMs: number) {
    this.limits = new InFlightLimits(STEP_MS, latencyMs);
    this.limits.ensureHandles(1);
    this.#budgetMs = latencyMs;
  }

  /** So many requests a second for so many seconds; returns the share that was sent. */
  run(rate: number, seconds: number, workMs: (n: number) => number): number {
    let sent = 0;
    const untilMs = this.nowMs + seconds * 1_000;
    for (let n = 0; this.nowMs < untilMs; n++) {
      this.#pass(1_000 / rate);
      if (!this.limits.hasRoom(0, this.nowMs)) continue;
      this.#freeMs = Math.max(this.#freeMs, this.nowMs) + workMs(n);
      this.#flights.push({ startMs: this.nowMs, endMs: this.#freeMs });
      this.limits.observeFlights(0, this.#flights.length, this.nowMs);
      sent++;
    }
    return sent / (rate * seconds);
  }

  #pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    while (this.nowMs < untilMs) {
      const stepMs = (Math.floor(this.nowMs / STEP_MS) + 1) * STEP_MS;
      const [first] = this.#flights;
      this.nowMs = Math.min(untilMs, stepMs, first?.endMs ?? untilMs);
      if (first !== undefined && first.endMs <= this.nowMs) {
        this.#flights.shift();
        this.limits.observeFlights(0, this.#flights.length, this.nowMs);
        const processingMs = first.endMs - first.startMs;
        if (processingMs <= this.#budgetMs) this.inTime++;
        this.limits.end(0, {
          processingMs,
          budgetMs: this.#budgetMs,
          ahead: 0,
          startMs: first.startMs,
          nowMs: this.nowMs,
        });
      }
      if (this.nowMs === stepMs) this.limits.step(MEMBERS, { ...STEP, least: 0.025 });
    }
  }
}

describe('the limit on what an instance is sent', () => {
  it('comes back as soon as the queue is gone that a hang left behind, where a few requests a second are sent', () => {
    const driven = new Driven(400);
    driven.run(1.5, 20, () => 310);
    driven.limits.impose(0, driven.nowMs);
    driven.run(1.5, 6, (n) => (n === 0 ? 6_000 : 310));
    driven.run(1.5, 4, () => 310);
    expect(driven.run(1.5, 10, () => 310)).toBeGreaterThan(0.9);
  });

  it('stays near what the instance carries, once its queue is gone', () => {
    const driven = new Driven(80);
    driven.run(400, 2, () => 5);
    driven.limits.impose(0, driven.nowMs);
    driven.run(400, 5, () => 5);
    const before = driven.inTime;
    const share = driven.run(400, 10, () => 5);
    expect(share).toBeGreaterThan(0.42);
    expect(share).toBeLessThan(0.51);
    // It carries 2,000.
    expect(driven.inTime - before).toBeGreaterThan(1_300);
  });

  it('does not grow by answers that are quick by nature while as many are late', () => {
    const limits = new InFlightLimits(STEP_MS, 1_000);
    limits.ensureHandles(1);
    impose(limits, 20, 0);
    for (let nowMs = 50; nowMs <= 30_000; nowMs += 50) {
      const late = (nowMs / 50) % 2 === 0;
      const processingMs = late ? 3_000 : 100;
      limits.end(0, { processingMs, budgetMs: 1_000, ahead: 0, startMs: nowMs - processingMs, nowMs });
      if (nowMs % STEP_MS === 0) limits.step(MEMBERS, { ...STEP, least: 1 });
    }
    expect(limits.of(0)).toBeLessThan(15);
  });

  it('grows by answers that take most of the time there is, where they never took less', () => {
    const limits = new InFlightLimits(STEP_MS, 400);
    limits.ensureHandles(1);
    impose(limits, 0.25, 0);
    for (let nowMs = 500; nowMs <= 30_000; nowMs += 500) {
      limits.end(0, { processingMs: 300 + (nowMs % 7) * 5, budgetMs: 390, ahead: 0, startMs: nowMs - 330, nowMs });
    }
    expect(limits.of(0)).toBeGreaterThan(1);
  });

  it('settles by how near to the deadline answers come, however many there are a second', () => {
    const after = (rate: number): number => {
      const limits = new InFlightLimits(STEP_MS, 80);
      limits.ensureHandles(1);
      impose(limits, 10, 0);
      limits.observeFlights(0, 10, 0);
      const takenMs = [8, 30, 74, 20];
      for (let n = 0; n < 20 * rate; n++) {
        const nowMs = (1_000 * n) / rate;
        const processingMs = takenMs[n % takenMs.length] as number;
        limits.end(0, { processingMs, budgetMs: 80, ahead: 0, startMs: nowMs - processingMs, nowMs });
      }
      return limits.of(0);
    };
    for (const rate of [2, 5, 20, 100]) expect(after(rate)).toBeGreaterThan(10);
  });

  /** How fast a limit moves in 20 s, as a logarithm a second, with so many answers a second, of 150 or 280 of 300 ms each. */
  function drift(rate: number, isLong: (n: number) => boolean): number {
    const limits = new InFlightLimits(STEP_MS, 300);
    limits.ensureHandles(1);
    limits.end(0, { processingMs: 50, budgetMs: 300, ahead: 0, startMs: 0, nowMs: 50 });
    impose(limits, 100, 50);
    limits.observeFlights(0, 100, 50);
    let stepMs = STEP_MS;
    for (let n = 1; n <= 20 * rate; n++) {
      const nowMs = 50 + (1_000 * n) / rate;
      for (; stepMs < nowMs; stepMs += STEP_MS) limits.step(MEMBERS, { ...STEP, least: 0.001 });
      const processingMs = isLong(n) ? 280 : 150;
      limits.end(0, { processingMs, budgetMs: 300, ahead: 0, startMs: nowMs - processingMs, nowMs });
    }
    return Math.log(limits.of(0) / 100) / 20;
  }

  it.each([5, 50, 500])('falls while a queue stands, with %i answers a second', (rate) => {
    expect(drift(rate, () => true)).toBeLessThan(-0.3);
  });

  it('falls alike where half of the answers come near the deadline, however many there are a second', () => {
    const [at5, at50, at500] = [5, 50, 500].map((rate) => drift(rate, (n) => n % 2 === 0)) as [number, number, number];
    expect(at5).toBeLessThan(-0.1);
    expect(Math.abs(at50 - at5)).toBeLessThan(0.1);
    expect(Math.abs(at500 - at5)).toBeLessThan(0.1);
  });

  it('does not run away from what is used of it', () => {
    const limits = new InFlightLimits(STEP_MS, 80);
    limits.ensureHandles(1);
    impose(limits, 2, 0);
    for (let nowMs = 100; nowMs <= 10_000; nowMs += 100) {
      limits.end(0, { processingMs: 8, budgetMs: 80, ahead: 0, startMs: nowMs - 8, nowMs });
    }
    // One at a time: growth is no longer by factors.
    expect(limits.of(0)).toBeGreaterThan(5);
    expect(limits.of(0)).toBeLessThan(1_000);
  });

  it('grows though many answers came sooner than the round trip that was measured', () => {
    const limits = new InFlightLimits(STEP_MS, 100);
    limits.ensureHandles(1);
    const at = (nowMs: number, processingMs: number) => ({
      processingMs,
      budgetMs: 80,
      ahead: 0,
      startMs: nowMs - 10,
      nowMs,
    });
    for (let n = 0; n < 5_000; n++) limits.end(0, at(0, -2));
    impose(limits, 1, 0);
    for (let nowMs = 50; nowMs <= 10_000; nowMs += 50) limits.end(0, at(nowMs, 5));
    expect(limits.of(0)).toBeGreaterThan(1);
  });

  it('is held by the mean over time where it is a part of a request', () => {
    const limits = new InFlightLimits(STEP_MS, 100);
    limits.ensureHandles(1);
    impose(limits, 0.25, 0);
    let sent = 0;
    for (let nowMs = 0; nowMs < 10_000; nowMs += 50) {
      if (!limits.hasRoom(0, nowMs)) continue;
      sent++;
      limits.observeFlights(0, 1, nowMs);
      limits.observeFlights(0, 0, nowMs + 50);
    }
    // Each takes 50 ms, so that one in 200 ms is a quarter in flight.
    expect(sent).toBe(50);
  });

  it('sends more at once when answers come sooner, without having grown', () => {
    const limits = new InFlightLimits(STEP_MS, 100);
    limits.ensureHandles(1);
    impose(limits, 2, 0);
    const sentIn = (takesMs: number, fromMs: number): number => {
      let sent = 0;
      let ends: number[] = [];
      for (let nowMs = fromMs; nowMs < fromMs + 10_000; nowMs += 5) {
        ends = ends.filter((endMs) => endMs > nowMs);
        limits.observeFlights(0, ends.length, nowMs);
        if (!limits.hasRoom(0, nowMs)) continue;
        sent++;
        ends.push(nowMs + takesMs);
        limits.observeFlights(0, ends.length, nowMs);
      }
      return sent;
    };
    expect(sentIn(80, 0)).toBeLessThan(260);
    expect(sentIn(20, 20_000)).toBeGreaterThan(900);
  });

  it('has room at once for one that may have less than one request there, when an answer shows that it is idle', () => {
    const limits = new InFlightLimits(STEP_MS, 100);
    limits.ensureHandles(1);
    impose(limits, 0.05, 0);
    const ask = (startMs: number, processingMs: number): void => {
      const nowMs = startMs + processingMs;
      limits.observeFlights(0, 1, startMs);
      limits.observeFlights(0, 0, nowMs);
      limits.end(0, { processingMs, budgetMs: 90, ahead: 0, startMs, nowMs });
    };
    ask(0, 20);
    ask(1_000, 80);
    // One of 80 ms is to be followed by none for 1.5 s.
    expect(limits.hasRoom(0, 1_500)).toBe(false);
    ask(3_000, 20);
    expect(limits.hasRoom(0, 3_020)).toBe(true);
  });

  it('is back at a request at a time after a few answers of the idle instance, however seldom they come', () => {
    const limits = new InFlightLimits(STEP_MS, 100);
    limits.ensureHandles(1);
    impose(limits, 0.05, 0);
    for (let startMs = 1_000; startMs <= 4_000; startMs += 1_000)
      limits.end(0, { processingMs: 20, budgetMs: 90, ahead: 0, startMs, nowMs: startMs + 20 });
    expect(limits.of(0)).toBeGreaterThan(1);
  });

  it('asks no more for what hangs than for a request in time', () => {
    const limits = new InFlightLimits(STEP_MS, 100);
    limits.ensureHandles(1);
    impose(limits, 0.5, 0);
    limits.observeFlights(0, 1, 0);
    limits.observeFlights(0, 0, 30_000);
    expect(limits.hasRoom(0, 30_100)).toBe(false);
    expect(limits.hasRoom(0, 30_200)).toBe(true);
  });

  it('is not cut by what was sent before there was one', () => {
    const limits = new InFlightLimits(STEP_MS, 100);
    limits.ensureHandles(1);
    impose(limits, 5, 1_000);
    for (let n = 1; n <= 50; n++)
      limits.end(0, { processingMs: 900, budgetMs: 90, ahead: 0, startMs: 990, nowMs: 1_000 + 20 * n });
    expect(limits.of(0)).toBe(5);
  });

  it('knows a short queue by the last answer alone', () => {
    const limits = new InFlightLimits(STEP_MS, 100);
    limits.ensureHandles(1);
    impose(limits, 5, 0);
    const attempt = { budgetMs: 90, ahead: 1, startMs: 0 };
    limits.end(0, { ...attempt, processingMs: 10, nowMs: 10 });
    const isQuick = (inFlight: number): boolean => limits.isQuick(Object.assign(candidateAt(0), { inFlight }));
    expect(isQuick(2)).toBe(true);
    // Where 10 ms were two places, six are 30, and fourteen 70 of 90.
    expect(isQuick(5)).toBe(true);
    expect(isQuick(13)).toBe(false);
    limits.end(0, { ...attempt, processingMs: 85, nowMs: 85 });
    expect(isQuick(2)).toBe(false);
  });

  it('is by what was answered before a hang, where one began the overload', () => {
    const limits = new InFlightLimits(STEP_MS, 400);
    limits.ensureHandles(1);
    const attempt = { processingMs: 300, budgetMs: 390, ahead: 0, startMs: 0 };
    for (let n = 1; n <= 20; n++) {
      limits.end(0, { ...attempt, nowMs: n * STEP_MS });
      limits.step(MEMBERS, { ...STEP, least: 0.001 });
    }
    for (let n = 0; n < 12; n++) limits.step(MEMBERS, { ...STEP, least: 0.001, isOverdue: () => true });
    limits.impose(0, 16_000);
    // One in 500 ms that takes about 370 at the most.
    expect(limits.of(0)).toBeGreaterThan(0.6);
  });

  it('is asked after by one request where nothing was under way for long, and more seldom after each that was late', () => {
    const limits = new InFlightLimits(STEP_MS, 100);
    limits.ensureHandles(1);
    impose(limits, 5, 0);
    let nowMs = 0;
    const probe = (processingMs: number): number => {
      const fromMs = nowMs;
      while (!limits.mayProbe(0, nowMs)) nowMs += 100;
      const startMs = nowMs;
      limits.observeFlights(0, 1, startMs);
      expect(limits.mayProbe(0, startMs + 100_000)).toBe(false);
      nowMs += processingMs;
      limits.observeFlights(0, 0, nowMs);
      limits.end(0, { processingMs, budgetMs: 90, ahead: 0, startMs, nowMs });
      return startMs - fromMs;
    };
    const first = probe(200);
    const second = probe(200);
    expect(second).toBeGreaterThan(1.9 * first);
    expect(probe(200)).toBeGreaterThan(1.9 * second);
    probe(10);
    expect(probe(200)).toBe(first);
    for (let n = 0; n < 20; n++) probe(200);
    expect(probe(200)).toBeLessThan(61_000);
  });

  it('says nothing of the next instance that has its handle', () => {
    const limits = new InFlightLimits(STEP_MS, 100);
    limits.ensureHandles(1);
    impose(limits, 1, 10_000);
    for (const inFlight of [1, 2, 3]) limits.observeFlights(0, inFlight, 10_000);
    expect(limits.isBeyond(0, 10_000)).toBe(true);
    limits.observeFlights(0, 0, 14_000);
    limits.forget(0);
    expect(limits.isBeyond(0, 14_000)).toBe(false);
    expect(limits.mayProbe(0, 14_000)).toBe(true);
  });

  it('is not needed for that: what was left for failures has none, and may be back', () => {
    const limits = new InFlightLimits(STEP_MS, 100);
    limits.ensureHandles(1);
    limits.observeFlights(0, 1, 0);
    expect(limits.mayProbe(0, 10_000)).toBe(false);
    limits.observeFlights(0, 0, 10_000);
    expect(limits.mayProbe(0, 13_000)).toBe(false);
    expect(limits.mayProbe(0, 15_000)).toBe(true);
  });
});
