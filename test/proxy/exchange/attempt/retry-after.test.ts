import { describe, expect, it } from 'vitest';
import { NO_GRPC_STATUS } from '../../../../src/core/verdict/grpc.ts';
import { asksForPause, pauseMs } from '../../../../src/proxy/exchange/attempt/retry-after.ts';

/** Sun, 06 Nov 1994 08:49:37 GMT */
const NOW_MS = 784_111_777_000;
const rest = (value: string): number => pauseMs(['Date', 'x', 'retry-After', value], NOW_MS);

describe('Retry-After', () => {
  it.each([
    ['5', 5000],
    ['0', 0],
    ['61', 60_000],
    ['99999999999999999999', 60_000],
    ['Sun, 06 Nov 1994 08:49:47 GMT', 10_000],
    ['Sunday, 06-Nov-94 08:49:47 GMT', 10_000],
    ['Sun Nov  6 08:49:47 1994', 10_000],
    ['Sun, 06 Nov 1994 08:49:30 GMT', 0],
    ['Fri, 31 Dec 1999 23:59:59 GMT', 60_000],
  ])('of %j is a pause of %i ms', (value, ms) => {
    expect(rest(value)).toBe(ms);
  });

  it.each(['', 'soon', '-5', '1.5', 'after 3000', 'Sun', '2999-01-01', 'Sun, 99 Foo 1994', '5, 10'])(
    'of %j is none',
    (value) => {
      expect(rest(value)).toBe(0);
    },
  );

  it('is heard with the statuses by which an instance speaks of itself', () => {
    for (const status of [408, 429, 503]) expect(asksForPause({ status, grpcStatus: NO_GRPC_STATUS })).toBe(true);
    for (const grpcStatus of [8, 14]) expect(asksForPause({ status: 200, grpcStatus })).toBe(true);
    for (const status of [200, 301, 413]) expect(asksForPause({ status, grpcStatus: NO_GRPC_STATUS })).toBe(false);
  });
});
