import { describe, expect, it } from 'vitest';
import {
  bytes,
  duration,
  milliseconds,
  percent,
  perSecond,
  policyFigure,
} from '../../../src/admin/dashboard/format.ts';
import { readRoute, routeHref } from '../../../src/admin/dashboard/route.ts';

describe('numbers for people', () => {
  it('never call full what is not', () => {
    expect(percent(0.9999)).toBe('99 %');
    expect(percent(0.99996, 1)).toBe('99.9 %');
    expect(percent(1, 1)).toBe('100 %');
    expect(percent(0)).toBe('0 %');
  });

  it('name what a policy goes by, with its unit', () => {
    expect(policyFigure('unloadedMs', 11.31)).toEqual(['Unloaded', '11 ms']);
    expect(policyFigure('pricePerStep', 0.03781)).toEqual(['Price per step', '0.0378']);
    expect(policyFigure('misses', 3)).toEqual(['Misses', '3']);
  });

  it('show a dash for what is not known', () => {
    expect([percent(null), milliseconds(null), perSecond(null), bytes(null)]).toEqual(['–', '–', '–', '–']);
  });

  it('keep two or three digits that mean something', () => {
    expect([0, 0.45, 9.96, 123.4].map(milliseconds)).toEqual(['0 ms', '0.5 ms', '10 ms', '123 ms']);
    expect([perSecond(1.25), perSecond(1234.5)]).toEqual(['1.3', '1,235']);
    expect([bytes(512), bytes(1536), bytes(300 * 1024 * 1024)]).toEqual(['512 B', '1.5 KiB', '300 MiB']);
    expect([duration(59_000), duration(61_000), duration(7_260_000), duration(93_600_000)]).toEqual([
      '59 s',
      '1 min 1 s',
      '2 h 1 min',
      '1 d 2 h',
    ]);
  });
});

describe('the address', () => {
  it('comes back to what was looked at, with any names', () => {
    for (const route of [
      { service: 'pilotnet', instance: 'pi-1/a' },
      { service: 'a service/with ?signs', instance: 'ü&=#/x' },
      { service: 'pilotnet', instance: null },
    ]) {
      expect(readRoute(routeHref(route))).toEqual(route);
    }
  });

  it('ignores what it did not make', () => {
    expect(readRoute('')).toEqual({ service: null, instance: null });
    expect(readRoute('#/%E0%A4%A')).toEqual({ service: null, instance: null });
    expect(readRoute('#service')).toEqual({ service: null, instance: null });
  });
});
