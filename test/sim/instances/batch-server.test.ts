import { describe, expect, it } from 'vitest';
import { BatchServer } from '../../../src/sim/instances/batch-server.ts';

const BATCH = { size: 3, delayMs: 5, marginal: 0.5 };

/** Lets jobs of 10 ms come in at these times → when each is done. */
function run(atMs: readonly number[], batch = BATCH, cores = 1): number[] {
  const server = new BatchServer({ cores, jobsMax: 100, batch });
  const doneMs: number[] = [];
  const drain = (untilMs: number): void => {
    for (let nextMs = server.nextDoneMs(); nextMs <= untilMs; nextMs = server.nextDoneMs()) {
      if (nextMs === Number.POSITIVE_INFINITY) return;
      for (let job = server.takeDone(nextMs); job >= 0; job = server.takeDone(nextMs)) doneMs[job] = nextMs;
    }
  };
  for (const [job, ms] of atMs.entries()) {
    drain(ms);
    server.enter(job, 10, ms);
  }
  drain(Number.POSITIVE_INFINITY);
  return doneMs;
}

describe('a batching server', () => {
  it('lets the first wait for others no longer than the queue delay', () => {
    expect(run([0])).toEqual([15]);
  });

  it('answers a full batch together, without delay, and each further job adds its share', () => {
    expect(run([0, 1, 2])).toEqual([22, 22, 22]);
  });

  it('takes what waits meanwhile as the next batch', () => {
    expect(run([0, 0, 0, 1, 2, 3])).toEqual([20, 20, 20, 40, 40, 40]);
  });

  it('runs as many batches at a time as it has executors', () => {
    expect(run([0, 0, 0, 1, 1, 1], BATCH, 2)).toEqual([20, 20, 20, 21, 21, 21]);
  });

  it('stands still while frozen, and goes on where it was', () => {
    const server = new BatchServer({ cores: 1, jobsMax: 100, batch: { ...BATCH, delayMs: 0 } });
    server.enter(0, 10, 0);
    server.setSpeed(0, 4);
    expect(server.nextDoneMs()).toBe(Number.POSITIVE_INFINITY);
    server.setSpeed(0.5, 54);
    expect(server.nextDoneMs()).toBe(66);
  });

  it('turns away what is one too many, and throws all out when evicted', () => {
    const server = new BatchServer({ cores: 1, jobsMax: 4, batch: BATCH });
    expect([0, 1, 2, 3, 4].map((job) => server.enter(job, 10, 0))).toEqual([true, true, true, true, false]);
    expect(server.evict(1).toSorted()).toEqual([0, 1, 2, 3]);
    expect(server.jobs).toBe(0);
    expect(server.nextDoneMs()).toBe(Number.POSITIVE_INFINITY);
  });
});
