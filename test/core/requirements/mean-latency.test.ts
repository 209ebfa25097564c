// The mean latency of each client: one that gets the far instance each time is offered the near ones, and one that chance made late gives
// its share up only where that helps.

import { describe, expect, it } from 'vitest';
import { RequirementBooks } from '../../../src/core/requirements/books.ts';
import { NO_REQUIREMENTS, type Requirements } from '../../../src/core/requirements/requirements.ts';
import { candidateAt } from '../candidates.ts';
import { NO_ATTRIBUTES, QOS } from '../support.ts';

const NEAR = candidateAt(0);
const FAR = candidateAt(1);
const UNKNOWN = candidateAt(2);
const GROUP = 0;

function booksOf(requirements: Partial<Requirements>): RequirementBooks {
  const books = new RequirementBooks({ ...NO_REQUIREMENTS, meanLatencyMs: 50, ...requirements }, QOS);
  for (const one of [NEAR, FAR, UNKNOWN]) {
    books.begin(one.handle);
    books.fits.set(one);
  }
  return books;
}

/** So many answers of the instance to the client of the row. */
function answer(
  books: RequirementBooks,
  row: number,
  [{ handle }, latencyMs, times]: [typeof NEAR, number, number],
): void {
  for (let n = 0; n < times; n++) {
    books.record(row, { clientId: `c${row}`, ending: 'success', latencyMs, handle }, GROUP, n);
  }
}

/** What a request of the client is offered. */
const offered = (books: RequirementBooks, row: number): number[] =>
  books.offer(row, [NEAR, FAR, UNKNOWN], books.arrive(row, GROUP, 0)).map(({ handle }) => handle);

describe('a client above the mean latency that it is to get', () => {
  it('is offered the instances below it, and those of which nothing is known', () => {
    const books = booksOf({});
    answer(books, 1, [NEAR, 20, 30]);
    answer(books, 2, [FAR, 70, 30]);
    expect(offered(books, 1)).toEqual([0, 1, 2]);
    expect(offered(books, 2)).toEqual([0, 2]);
    answer(books, 2, [NEAR, 20, 30]);
    expect(offered(books, 2)).toEqual([0, 1, 2]);
  });

  it('is offered all where none is below it', () => {
    const books = booksOf({});
    for (const one of [NEAR, FAR, UNKNOWN]) answer(books, 1, [one, 70, 30]);
    expect(offered(books, 1)).toEqual([0, 1, 2]);
  });

  it('is not held to a share that only instances above it serve', () => {
    const books = booksOf({ shares: [{ ...NO_ATTRIBUTES, labels: { size: 'large' }, name: 'large', share: 1 }] });
    const large = candidateAt(FAR.handle);
    large.instance = { ...FAR.instance, labels: { size: 'large' } };
    books.fits.set(large);
    expect(offered(books, 1)).toEqual([1]);
    answer(books, 1, [FAR, 70, 30]);
    expect(offered(books, 1)).toEqual([0, 2]);
  });

  it('is forgotten with its row, as an instance is with its handle', () => {
    const books = booksOf({});
    answer(books, 1, [FAR, 70, 30]);
    books.clear(1);
    expect(offered(books, 1)).toEqual([0, 1, 2]);
    answer(books, 1, [NEAR, 70, 30]);
    books.begin(FAR.handle);
    expect(offered(books, 1)).toEqual([1, 2]);
  });

  it('costs nothing where no mean is asked for', () => {
    const books = booksOf({ meanLatencyMs: null });
    expect(books.isSelective).toBe(false);
    answer(books, 1, [FAR, 9_000, 30]);
    expect(offered(books, 1)).toEqual([0, 1, 2]);
  });

  it('is unknown after a reset', () => {
    const books = booksOf({});
    answer(books, 1, [FAR, 200, 20]);
    expect(offered(books, 1)).toEqual([0, 2]);
    books.reset();
    expect(offered(books, 1)).toEqual([0, 1, 2]);
    answer(books, 1, [NEAR, 20, 20]);
    answer(books, 1, [FAR, 70, 20]);
    expect(books.latency.isQuick(FAR.handle, 50)).toBe(false);
    books.reset();
    expect(books.latency.isQuick(FAR.handle, 50)).toBe(true);
  });
});

describe('a client with answers that chance makes late', () => {
  const share = { ...NO_ATTRIBUTES, name: 'large', share: 0.8 };
  const large = candidateAt(FAR.handle);
  large.instance = { ...FAR.instance, labels: { size: 'large' } };
  const both = [NEAR, large];
  /** A window of answers in time, nine of ten of the large one, which takes 40 ms. */
  function known(): RequirementBooks {
    const books = booksOf({ shares: [{ ...share, labels: { size: 'large' } }] });
    books.update(both, both);
    for (let tens = 0; tens < 6; tens++) {
      answer(books, 1, [large, 40, 9]);
      answer(books, 1, [NEAR, 10, 1]);
    }
    // A decision step sees which the slowest is.
    books.record(1, { clientId: 'c1', ending: 'success', latencyMs: 40, handle: large.handle }, GROUP, 600);
    return books;
  }
  const late = (books: RequirementBooks, latencyMs: number): void =>
    books.record(1, { clientId: 'c1', ending: 'late', latencyMs, handle: large.handle }, GROUP, 601);
  const next = (books: RequirementBooks): number[] =>
    books.offer(1, both, books.arrive(1, GROUP, 601)).map(({ handle }) => handle);

  it('keeps its share while the window can bear them', () => {
    const books = known();
    late(books, 300);
    late(books, 300);
    expect(next(books)).toEqual([large.handle]);
  });

  it('gets the quick ones until they have made good what the window has too much of', () => {
    const books = known();
    late(books, 560);
    late(books, 450);
    expect(next(books)).toEqual([NEAR.handle]);
    for (let n = 0; n < 4; n++) answer(books, 1, [NEAR, 10, 1]);
    expect(next(books)).toEqual([large.handle]);
  });

  it('keeps its share where nothing makes them good', () => {
    const books = known();
    late(books, 3_000);
    expect(next(books)).toEqual([large.handle]);
  });

  it('may begin again once they have left the window', () => {
    const books = known();
    late(books, 500);
    late(books, 450);
    const nowMs = 601 + 2 * QOS.windowMs;
    books.record(1, { clientId: 'c1', ending: 'success', latencyMs: 40, handle: large.handle }, GROUP, nowMs);
    expect(books.accounts.allowanceMs(1)).toBe(60);
    expect(next(books)).toEqual([large.handle]);
  });
});
