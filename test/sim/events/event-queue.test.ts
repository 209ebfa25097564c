import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/core/rng.ts';
import { createEventQueue } from '../../../src/sim/events/event-queue.ts';

describe('event queue', () => {
  it('hands events back in order of time, beyond its first capacity', () => {
    const queue = createEventQueue();
    const rng = createRng(7);
    const times = Array.from({ length: 5_000 }, () => rng.next() * 1_000);
    for (const [i, time] of times.entries()) queue.push(time, i);
    const popped: number[] = [];
    while (queue.pop()) {
      popped.push(queue.timeMs);
      expect(times[queue.code]).toBe(queue.timeMs);
    }
    expect(popped).toEqual(times.toSorted((a, b) => a - b));
  });

  it('keeps order when pushes and pops alternate', () => {
    const queue = createEventQueue();
    const rng = createRng(8);
    let nowMs = 0;
    for (let i = 0; i < 200; i++) queue.push(rng.next(), i);
    for (let i = 0; i < 5_000; i++) {
      queue.pop();
      expect(queue.timeMs).toBeGreaterThanOrEqual(nowMs);
      nowMs = queue.timeMs;
      queue.push(nowMs + rng.next(), i);
    }
    expect(queue.size).toBe(200);
  });

  it('says when it is empty', () => {
    expect(createEventQueue().pop()).toBe(false);
  });
});
