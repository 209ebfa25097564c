import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/core/rng.ts';
import { type Discipline, Server } from '../../../src/sim/instances/server.ts';
import { exponential } from '../../../src/sim/random.ts';

/** Runs jobs through a server on its own → when each left, by job. */
function run(server: Server, jobs: readonly { atMs: number; workMs: number }[]): number[] {
  const leftMs: number[] = [];
  const drain = (untilMs: number): void => {
    for (let nextMs = server.nextDoneMs(); nextMs <= untilMs; nextMs = server.nextDoneMs()) {
      if (nextMs === Number.POSITIVE_INFINITY) return;
      for (let job = server.takeDone(nextMs); job >= 0; job = server.takeDone(nextMs)) leftMs[job] = nextMs;
    }
  };
  for (const [job, { atMs, workMs }] of jobs.entries()) {
    drain(atMs);
    server.enter(job, workMs, atMs);
  }
  drain(Number.POSITIVE_INFINITY);
  return leftMs;
}

const serverOf = (discipline: Discipline, cores = 1, jobsMax = 1_000): Server =>
  new Server({ discipline, cores, jobsMax });

describe('a server', () => {
  it('serves first come first under fifo', () => {
    expect(
      run(serverOf('fifo'), [
        { atMs: 0, workMs: 10 },
        { atMs: 1, workMs: 2 },
        { atMs: 2, workMs: 3 },
      ]),
    ).toEqual([10, 12, 15]);
  });

  it('shares its core: two equal jobs take twice as long', () => {
    expect(
      run(serverOf('processor-sharing'), [
        { atMs: 0, workMs: 10 },
        { atMs: 0, workMs: 10 },
      ]),
    ).toEqual([20, 20]);
  });

  it('lets a short job overtake a long one when shared', () => {
    const [long = 0, short = 0] = run(serverOf('processor-sharing'), [
      { atMs: 0, workMs: 10 },
      { atMs: 2, workMs: 2 },
    ]);
    expect(short).toBeCloseTo(6, 9);
    expect(long).toBeCloseTo(12, 9);
  });

  it.each(['fifo', 'processor-sharing'] as const)(
    'gives each job a core of its own while there are enough (%s)',
    (discipline) => {
      expect(
        run(serverOf(discipline, 2), [
          { atMs: 0, workMs: 10 },
          { atMs: 0, workMs: 6 },
        ]),
      ).toEqual([10, 6]);
    },
  );

  it('turns away what is one too many', () => {
    const server = serverOf('fifo', 1, 2);
    expect([server.enter(0, 5, 0), server.enter(1, 5, 0), server.enter(2, 5, 0)]).toEqual([true, true, false]);
  });

  it('stands still while frozen and goes on where it was', () => {
    const server = serverOf('fifo');
    server.enter(0, 10, 0);
    server.setSpeed(0, 4);
    expect(server.nextDoneMs()).toBe(Number.POSITIVE_INFINITY);
    server.setSpeed(1, 54);
    expect(server.nextDoneMs()).toBe(60);
  });

  it('takes twice the time at half the speed', () => {
    const server = serverOf('processor-sharing');
    server.enter(0, 10, 0);
    server.setSpeed(0.5, 5);
    expect(server.nextDoneMs()).toBe(15);
  });

  it('throws all out when evicted', () => {
    const server = serverOf('fifo');
    for (let job = 0; job < 3; job++) server.enter(job, 5, 0);
    expect(server.evict(1).toSorted()).toEqual([0, 1, 2]);
    expect(server.jobs).toBe(0);
    expect(server.nextDoneMs()).toBe(Number.POSITIVE_INFINITY);
  });

  // Kleinrock: the mean response of M/M/1 is E[S] / (1 − ρ) under both disciplines. 40,000 jobs at ρ = 0.6 leave a standard
  // error of about 2 %, so 6 % holds for any seed worth its name.
  it.each(['fifo', 'processor-sharing'] as const)('has the mean response of M/M/1 (%s)', (discipline) => {
    const rng = createRng(11);
    let atMs = 0;
    const jobs = Array.from({ length: 40_000 }, () => {
      atMs += exponential(rng, 5 / 0.6);
      return { atMs, workMs: exponential(rng, 5) };
    });
    const leftMs = run(serverOf(discipline, 1, 1e9), jobs);
    const mean = jobs.reduce((sum, job, i) => sum + (leftMs[i] ?? Number.NaN) - job.atMs, 0) / jobs.length;
    expect(mean).toBeGreaterThan(12.5 * 0.94);
    expect(mean).toBeLessThan(12.5 * 1.06);
  });
});
