import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SlidingSuccess } from '../../../src/demo/cameras/sliding-success.ts';

describe('a client’s own account', () => {
  it('knows nothing before the first request and after the window has passed', () => {
    const account = new SlidingSuccess(1_000);
    expect(account.ratio(0)).toBeNull();
    account.add(true, 10);
    expect(account.ratio(10)).toBe(1);
    expect(account.ratio(1_010)).toBeNull();
  });

  it('equals the share over the last W, after any past', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.boolean()), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(steps, (requests) => {
        const account = new SlidingSuccess(1_000);
        const all: { atMs: number; success: boolean }[] = [];
        let nowMs = 0;
        for (const [gapMs, success] of requests) {
          nowMs += gapMs;
          account.add(success, nowMs);
          all.push({ atMs: nowMs, success });
          const recent = all.filter(({ atMs }) => atMs > nowMs - 1_000);
          expect(account.ratio(nowMs)).toBe(recent.filter((one) => one.success).length / recent.length);
        }
      }),
    );
  });
});
