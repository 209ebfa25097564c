// What could be had in `recovered`: `node test/bench/worlds/work-known.ts [--worlds 6] [--requests 8000]` prints the share that is in time in
// its last minute (four instances that share their processor, 28 ms of work, 90 requests a second at random) for players of different
// knowledge. One knows the work of each request before it is sent, and what is left of it at each moment; one knows how the instances serve,
// how work is spread, and how much each request has had so far, which is more than answers show. Both put a request where it makes the fewest
// late, those there counted in, and may refuse one that makes more than itself late. No theorem: they weigh one request at a time.

import '../../support/bench-help.ts';
import { parseArgs } from 'node:util';
import type { Rng } from '../../../src/core/rng.ts';
import { createStream, exponential, lognormal, lognormalOf, uniform } from '../../../src/sim/random.ts';
import { percent } from '../routing/figures.ts';

const LATENCY_MS = 80;
const WORK = lognormalOf(28, 0.3);
const RATE_PER_MS = 0.09;
const OVERHEAD_FIXED_MS = 2;
const OVERHEAD_MEAN_MS = 1;
/** A request that is expected to end so much before its limit may still be late, since others come. */
const MARGIN_MS = 4;
/** How often what is not known is drawn. */
const DRAWS = 40;
const DRAWS_MAX = 1_000;

const { values } = parseArgs({
  options: { worlds: { type: 'string', default: '6' }, requests: { type: 'string', default: '8000' } },
});

interface Job {
  readonly workMs: number;
  leftMs: number;
  /** When it has to be done at its instance. */
  readonly dueMs: number;
}

/** Instances that share one processor each among all that is there. */
class Instances {
  readonly jobs: Job[][] = [[], [], [], []];
  readonly #coming: { atMs: number; instance: number; job: Job }[] = [];
  #nowMs = 0;
  inTime = 0;

  send(instance: number, job: Job, atMs: number): void {
    this.#coming.push({ atMs, instance, job });
    this.#coming.sort((a, b) => a.atMs - b.atMs);
  }

  runUntil(untilMs: number): void {
    for (let next = this.#coming[0]; next !== undefined && next.atMs <= untilMs; next = this.#coming[0]) {
      this.#serve(next.atMs);
      (this.jobs[next.instance] as Job[]).push(next.job);
      this.#coming.shift();
    }
    this.#serve(untilMs);
  }

  /** Those that are there or on their way there. */
  at(instance: number): Job[] {
    const coming = this.#coming.filter((one) => one.instance === instance).map(({ job }) => job);
    return [...(this.jobs[instance] as Job[]), ...coming];
  }

  #serve(untilMs: number): void {
    for (const jobs of this.jobs) {
      let nowMs = this.#nowMs;
      while (jobs.length > 0 && nowMs < untilMs) {
        const first = jobs.reduce((least, job) => (job.leftMs < least.leftMs ? job : least));
        const shareMs = Math.min(first.leftMs, (untilMs - nowMs) / jobs.length);
        nowMs += shareMs * jobs.length;
        const isDone = shareMs === first.leftMs;
        for (const job of jobs) job.leftMs -= shareMs;
        if (!isDone) break;
        jobs.splice(jobs.indexOf(first), 1);
        if (nowMs <= first.dueMs) this.inTime++;
      }
    }
    this.#nowMs = untilMs;
  }
}

/** How many of these are to be late where no more come. */
function lateOf(jobs: readonly Job[], nowMs: number): number {
  let late = 0;
  let doneMs = nowMs;
  let servedMs = 0;
  for (const [i, { leftMs, dueMs }] of [...jobs].sort((a, b) => a.leftMs - b.leftMs).entries()) {
    doneMs += (leftMs - servedMs) * (jobs.length - i);
    servedMs = leftMs;
    late += 1 / (1 + Math.exp((dueMs - doneMs) / MARGIN_MS));
  }
  return late;
}

/** What it is chosen by: how a job there, and the one that is to be sent, may be. */
type Guess = (job: Job) => Job;

interface Player {
  readonly name: string;
  readonly mayRefuse: boolean;
  /** Null: by turns. */
  readonly guess: ((rng: Rng) => Guess) | null;
  readonly draws: number;
}

const known = (): Guess => (job) => job;
/** By the work that it had; as a request of such work would be, of those that are not done. */
const guessed =
  (rng: Rng): Guess =>
  ({ workMs, leftMs, dueMs }) => {
    const hadMs = workMs - leftMs;
    let drawnMs = lognormal(rng, WORK);
    for (let n = 0; drawnMs <= hadMs && n < DRAWS_MAX; n++) drawnMs = lognormal(rng, WORK);
    return { workMs: drawnMs, leftMs: Math.max(0.1, drawnMs - hadMs), dueMs };
  };

const PLAYERS: readonly Player[] = [
  { name: 'by turns', mayRefuse: false, guess: null, draws: 0 },
  { name: 'what each has had is known', mayRefuse: false, guess: guessed, draws: DRAWS },
  { name: 'the same, and it may refuse', mayRefuse: true, guess: guessed, draws: DRAWS },
  { name: 'all work is known', mayRefuse: false, guess: known, draws: 1 },
  { name: 'the same, and it may refuse', mayRefuse: true, guess: known, draws: 1 },
];

function play({ guess, mayRefuse, draws }: Player, seed: number, requests: number): number {
  const [world, clients, own] = ['world', 'clients', 'player'].map((name) => createStream(seed, name)) as [
    Rng,
    Rng,
    Rng,
  ];
  const rttMs = Array.from({ length: 4 }, () => uniform(world, 1, 15));
  const instances = new Instances();
  let nowMs = 0;
  for (let n = 0; n < requests; n++) {
    nowMs += exponential(clients, 1 / RATE_PER_MS);
    instances.runUntil(nowMs);
    const workMs = lognormal(clients, WORK);
    const overheadMs = OVERHEAD_FIXED_MS + exponential(clients, OVERHEAD_MEAN_MS);
    const emittedMs = nowMs;
    const jobs = rttMs.map((rtt) => ({ workMs, leftMs: workMs, dueMs: emittedMs + LATENCY_MS - overheadMs - rtt / 2 }));
    const added = rttMs.map((rtt, i) => {
      if (guess === null) return (n - i) % 4 === 0 ? 0 : 1;
      // Those on their way come a little later than is reckoned with, as this one does.
      const isDue = { ...(jobs[i] as Job), dueMs: (jobs[i] as Job).dueMs - rtt / 2 };
      let sum = 0;
      for (let draw = 0; draw < draws; draw++) {
        const there = instances.at(i).map(guess(own));
        sum += lateOf([...there, guess(own)(isDue)], emittedMs) - lateOf(there, emittedMs);
      }
      return sum / draws;
    });
    const least = Math.min(...added);
    if (mayRefuse && least > 1) continue;
    const chosen = added.indexOf(least);
    instances.send(chosen, jobs[chosen] as Job, nowMs + (rttMs[chosen] as number) / 2);
  }
  instances.runUntil(nowMs + 10 * LATENCY_MS);
  return instances.inTime / requests;
}

for (const player of PLAYERS) {
  const ratios = Array.from({ length: Number(values.worlds) }, (_, n) => play(player, n, Number(values.requests)));
  const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
  console.log(`${player.name}: ${percent(mean)} % in time, worst world ${percent(Math.min(...ratios))} %`);
}
