import { describe, expect, it } from 'vitest';
import { BUCKETS, bucketOf } from '../../../src/core/neighbours/histogram.ts';
import { Saying } from '../../../src/core/neighbours/saying.ts';
import { type Observed, type Summary, summaryText } from '../../../src/core/neighbours/summary.ts';

const TURN_MS = 2_000;

/** Of so many instances, what each took at a few requests. */
function seen(instances: number, tookMs = 30, failures = 0): Summary {
  const counts = Array.from({ length: BUCKETS }, (_, b) => (b === bucketOf(tookMs) ? 4 : 0));
  const one = (i: number) => ({ key: `node-${i}/pilotnet`, counts, failures, perSecond: 2, inFlight: 0 });
  return { spanMs: TURN_MS, instances: Array.from({ length: instances }, (_, i) => one(i)) };
}

/** After the first turn, which one always speaks in; whether it speaks in each of the next. */
function speaks(saying: Saying, turns: readonly (Summary | null)[]): boolean[] {
  return turns.map((summary, turn) => saying.next(summary, turn * TURN_MS) !== null);
}

describe('what is said', () => {
  it('goes each turn where it is small, and every eight seconds where it is large', () => {
    const turns = Array.from({ length: 9 }, () => 0);
    expect(
      speaks(
        new Saying(),
        turns.map(() => seen(3)),
      ),
    ).not.toContain(false);
    expect(
      speaks(
        new Saying(),
        turns.map(() => seen(16)),
      ),
    ).toEqual(turns.map((_, turn) => turn % 4 === 0));
  });

  it('is all that was seen since it was said last', () => {
    const saying = new Saying();
    saying.next(seen(16), 0);
    expect(saying.next(seen(16), 2_000)).toBeNull();
    expect(saying.next(null, 4_000)).toBeNull();
    const summary = saying.next(seen(1), 8_000);
    expect(summary).toMatchObject({ spanMs: 2 * TURN_MS, instances: { length: 16 } });
    expect(summary?.instances.find(({ key }) => key === 'node-0/pilotnet')?.counts[bucketOf(30)]).toBe(8);
    expect(saying.next(null, 10_000)).toBeNull();
  });

  it('goes at once where an instance is new, fails, or takes three times as long', () => {
    const first = seen(15);
    expect(speaks(new Saying(), [first, seen(15)])).toEqual([true, false]);
    expect(speaks(new Saying(), [first, seen(16)])).toEqual([true, true]);
    expect(speaks(new Saying(), [first, seen(15, 30, 1)])).toEqual([true, true]);
    expect(speaks(new Saying(), [first, seen(15, 120)])).toEqual([true, true]);
    expect(speaks(new Saying(), [first, seen(15, 45)])).toEqual([true, false]);
  });

  it('is what is news alone where that goes at once, and the rest when it is due', () => {
    const saying = new Saying();
    saying.next(seen(15), 0);
    expect(saying.next(seen(16), 2_000)?.instances.map(({ key }) => key)).toEqual(['node-15/pilotnet']);
    expect(saying.next(null, 8_000)?.instances).toHaveLength(15);
  });

  it('is news, or all that there is to say', () => {
    const saying = new Saying();
    expect(saying.next(seen(15), 0)?.isNews).toBeUndefined();
    expect(saying.next(seen(16), 2_000)?.isNews).toBe(true);
    expect(saying.next(seen(16), 8_000)?.isNews).toBeUndefined();
  });

  it('says what was news once more with all the rest, for those that come later', () => {
    const saying = new Saying();
    saying.next(seen(15), 0);
    saying.next(seen(16), 2_000);
    saying.next(seen(1, 30, 1), 2_500);
    const whole = saying.next(seen(1), 8_000);
    expect(whole?.asNews?.map(({ key, failures }) => [key, failures])).toContainEqual(['node-15/pilotnet', 0]);
    expect(whole?.asNews?.map(({ key, failures }) => [key, failures])).toContainEqual(['node-0/pilotnet', 1]);
    expect(saying.next(seen(16), 16_000)?.asNews).toBeUndefined();
  });

  it('does not say so much news again that there is none left for an instance that fails', () => {
    const saying = new Saying();
    saying.next(seen(1), 0);
    saying.next(seen(10), 500);
    saying.next(seen(10, 30, 1), 1_000);
    expect(saying.next(seen(1), 8_000)?.asNews).toBeUndefined();
    expect(saying.next(seen(1, 300), 8_500)?.isNews).toBe(true);
  });

  it('goes no more often than every two seconds where it is asked for every half second, but for news', () => {
    const small = Array.from({ length: 12 }, () => seen(2));
    const saying = new Saying();
    const saidMs = small.flatMap((summary, n) => (saying.next(summary, 500 * n) === null ? [] : [500 * n]));
    expect(saidMs).toEqual([0, 2_000, 4_000]);
    expect(saying.next(seen(2, 300), 6_500)).not.toHaveProperty('isNews');
    expect(saying.next(seen(2, 30), 7_000)).toMatchObject({ isNews: true });
  });

  it('stays within its budgets where every turn sees others of a hundred instances', () => {
    const saying = new Saying();
    const { instances } = seen(100);
    const bytes = Array.from({ length: 300 }, (_, turn) => {
      const busiest = Array.from({ length: 16 }, (_, i) => instances[(16 * turn + i) % 100] as Observed);
      const due = saying.next({ spanMs: TURN_MS, instances: busiest }, turn * TURN_MS);
      return due === null ? 0 : summaryText(due).length;
    });
    const perSecond = bytes.reduce((sum, one) => sum + one, 0) / (300 * 2);
    // Sixteen instances every eight seconds, and 30 of news.
    expect(perSecond).toBeLessThan(summaryText(seen(16)).length / 8 + 40);
  });

  it('speaks of an instance that got slow though what is new spends the budget of news', () => {
    const saying = new Saying();
    const { instances } = seen(100);
    for (let turn = 0; turn <= 40; turn++) {
      const others = Array.from({ length: 14 }, (_, i) => instances[1 + ((14 * turn + i) % 99)] as Observed);
      saying.next({ spanMs: TURN_MS, instances: [instances[0] as Observed, ...others] }, turn * TURN_MS);
    }
    const slow = seen(1, 300).instances[0] as Observed;
    expect(saying.next({ spanMs: TURN_MS, instances: [slow] }, 41 * TURN_MS)?.instances).toContain(slow);
  });

  it('names an instance once that fails and was not spoken of for half a minute', () => {
    const saying = new Saying();
    const [first, ...others] = seen(16).instances;
    saying.next({ spanMs: TURN_MS, instances: [first as Observed] }, 0);
    for (let turn = 1; turn < 16; turn++) saying.next({ spanMs: TURN_MS, instances: others }, turn * TURN_MS);
    const failing = { ...(first as Observed), failures: 1 };
    const news = saying.next({ spanMs: TURN_MS, instances: [failing, ...others] }, 30_500);
    expect(news?.instances.map(({ key }) => key)).toEqual([failing.key]);
  });
});
