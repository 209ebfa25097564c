// What a client reads of an error of the transport.

import { describe, expect, it } from 'vitest';
import { describeError, type UpstreamError } from '../../../src/proxy/upstream/upstream.ts';

const described = (message: string, code?: string): string =>
  describeError({
    code: 'upstream-connect',
    progress: 'not-sent',
    cause: Object.assign(new Error(message), code === undefined ? {} : { code }),
  } as UpstreamError);

describe('an error of the transport', () => {
  it('is said with the code of the system, once', () => {
    expect(described('connect ECONNREFUSED 10.0.0.7:9000', 'ECONNREFUSED')).toBe('connect ECONNREFUSED 10.0.0.7:9000');
    expect(described('socket hang up', 'ECONNRESET')).toBe('socket hang up (ECONNRESET)');
    expect(described('no certificate')).toBe('no certificate');
  });

  it('is said in printable ASCII', () => {
    expect(described('caf\u00e9\r\nX: y')).toBe('caf???X: y');
  });
});
