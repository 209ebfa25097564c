import { describe, expect, it } from 'vitest';
import { BUCKETS, bucketOf } from '../../../src/core/neighbours/histogram.ts';
import {
  mergeInSpace,
  mergeInTime,
  readSummary,
  SAID_MAX,
  type Summary,
  summaryText,
  writeSummary,
} from '../../../src/core/neighbours/summary.ts';

const counts = (cells: Readonly<Record<number, number>>): number[] =>
  Array.from({ length: BUCKETS }, (_, b) => cells[b] ?? 0);

const SUMMARY: Summary = {
  spanMs: 2_000,
  instances: [{ key: 'a/i1', counts: counts({ 7: 3, 9: 1 }), failures: 2, perSecond: 3, inFlight: 1 }],
};

/** What `writeSummary` says, with its one instance changed. */
function wireWith(change: object): unknown {
  const wire = writeSummary(SUMMARY) as { instances: object[] };
  return { ...wire, instances: [{ ...wire.instances[0], ...change }] };
}

describe('a summary', () => {
  it('reads back as it was written', () => {
    expect(readSummary(JSON.parse(JSON.stringify(writeSummary(SUMMARY))))).toEqual(SUMMARY);
  });

  it('reads back what was said as news, and that it is news', () => {
    const { instances } = SUMMARY;
    for (const more of [{ isNews: true }, { asNews: instances }] as const) {
      const summary: Summary = { ...SUMMARY, ...more };
      expect(readSummary(JSON.parse(summaryText(summary)))).toEqual(summary);
    }
  });

  it('leaves out what was said before where it would be too long', () => {
    const one = SUMMARY.instances[0];
    const instances = Array.from({ length: SAID_MAX }, (_, i) => ({ ...one, key: `${'n'.repeat(40)}${i}/a` }));
    const text = summaryText({ spanMs: 2_000, instances, asNews: instances } as Summary);
    expect(readSummary(JSON.parse(text))).toEqual({ spanMs: 2_000, instances: JSON.parse(JSON.stringify(instances)) });
  });

  it('takes at most 2 KiB: sixteen instances most often, and the busiest of those with long names', () => {
    const busy = counts(Object.fromEntries(Array.from({ length: 12 }, (_, i) => [i + 6, 12])));
    const named = (name: string): string => {
      const one = { counts: busy, failures: 0, perSecond: 12.34, inFlight: 3 };
      const instances = Array.from({ length: SAID_MAX }, (_, i) => ({ key: `${name}${i + 10}/detector-1`, ...one }));
      const text = summaryText({ spanMs: 2_000, instances });
      expect(text.length).toBeLessThanOrEqual(2_048);
      expect(typeof readSummary(JSON.parse(text))).toBe('object');
      return text;
    };
    expect(named('nano-')).toContain('nano-25/');
    expect(named('n'.repeat(200))).not.toContain('25/detector');
  });

  it('puts what is quicker or slower than its scale into its first and last bucket', () => {
    expect([-1, 0, 0.5, 9_999, 1e9].map(bucketOf)).toEqual([0, 0, 0, BUCKETS - 1, BUCKETS - 1]);
  });

  it.each([
    ['another version', { version: 2, span_ms: 2_000, instances: [] }, 'version'],
    ['no object', 7, 'version'],
    ['no instances', { version: 1, span_ms: 2_000 }, 'shape'],
    ['a span of no time', { version: 1, span_ms: 0, instances: [] }, 'impossible'],
    ['a span that is no number', { version: 1, span_ms: Number.NaN, instances: [] }, 'impossible'],
    ['news that is no flag', { ...(writeSummary(SUMMARY) as object), news: 1 }, 'shape'],
    ['no list of what was news', { ...(writeSummary(SUMMARY) as object), as_news: {} }, 'shape'],
    [
      'a figure of what was news that cannot be',
      { ...(wireWith({}) as object), as_news: (wireWith({ failures: -1 }) as { instances: object[] }).instances },
      'impossible',
    ],
    ['a negative count', wireWith({ counts: [-1] }), 'impossible'],
    ['a count that is no number', wireWith({ counts: [Number.NaN] }), 'impossible'],
    ['a count that is a text', wireWith({ counts: ['1'] }), 'shape'],
    ['counts beyond the scale', wireWith({ first: 20, counts: [1, 1, 1, 1, 1] }), 'impossible'],
    ['counts before the scale', wireWith({ first: -1 }), 'impossible'],
    ['more than a million answers a second', wireWith({ counts: [2_000_001] }), 'impossible'],
    ['more than a million requests a second', wireWith({ rate: 1e6 + 1 }), 'impossible'],
    ['a negative number of failures', wireWith({ failures: -1 }), 'impossible'],
    ['a negative number in flight', wireWith({ in_flight: -1 }), 'impossible'],
    ['an instance without a name', wireWith({ key: '' }), 'shape'],
  ])('is refused whole for %s', (_, wire, problem) => {
    expect(readSummary(wire)).toBe(problem);
  });

  it('is refused whole for an instance that is named twice, and for too many', () => {
    const wire = writeSummary(SUMMARY) as { instances: object[] };
    const [one] = wire.instances;
    expect(readSummary({ ...wire, instances: [one, one] })).toBe('impossible');
    const many = Array.from({ length: 65 }, (_, i) => ({ ...one, key: `a/i${i}` }));
    expect(readSummary({ ...wire, instances: many })).toBe('impossible');
  });
});

describe('two summaries', () => {
  const busier: Summary = {
    spanMs: 1_000,
    instances: [
      { key: 'a/i2', counts: counts({ 3: 1 }), failures: 0, perSecond: 9, inFlight: 0 },
      { key: 'a/i1', counts: counts({ 7: 1 }), failures: 1, perSecond: 5, inFlight: 4 },
    ],
  };

  it('of one event loop add up, and the later one says how busy it is', () => {
    expect(mergeInTime(SUMMARY, busier)).toEqual({
      spanMs: 3_000,
      instances: [
        busier.instances[0],
        { key: 'a/i1', counts: counts({ 7: 4, 9: 1 }), failures: 3, perSecond: 5, inFlight: 4 },
      ],
    });
  });

  it('of two event loops add up in all', () => {
    expect(mergeInSpace(SUMMARY, busier)).toMatchObject({
      spanMs: 2_000,
      instances: [{ key: 'a/i2' }, { key: 'a/i1', failures: 3, perSecond: 8, inFlight: 5 }],
    });
  });
});
