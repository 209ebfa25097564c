// The mean latency of each client: one that gets the far instance each time is offered the near ones.

import { describe, expect, it } from 'vitest';
import { RequirementBooks } from '../../../src/core/requirements/books.ts';
import { NO_REQUIREMENTS, type Requirements } from '../../../src/core/requirements/requirements.ts';
import { candidateAt } from '../candidates.ts';
import { QOS } from '../support.ts';

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
  books.offer([NEAR, FAR, UNKNOWN], books.arrive(row, GROUP, 0)).map(({ handle }) => handle);

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
    const share = { tls: false, tiers: null, hopsMax: null, labels: { size: 'large' }, accuracyMin: null };
    const books = booksOf({ shares: [{ ...share, name: 'large', share: 1 }] });
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
    expect(books.latency.isQuick(FAR.handle)).toBe(false);
    books.reset();
    expect(books.latency.isQuick(FAR.handle)).toBe(true);
    expect(books.latency.isHigh(1)).toBe(false);
  });
});
