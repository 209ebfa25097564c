import { describe, expect, it } from 'vitest';
import { NO_GRPC_STATUS } from '../../../src/core/verdict/grpc.ts';
import { healthFailure } from '../../../src/core/verdict/health.ts';

const of = (status: number, grpcStatus = NO_GRPC_STATUS, declaredFailure = false): string | null =>
  healthFailure({ status, grpcStatus, declaredFailure });

describe('an answer to a health check', () => {
  it.each([200, 204, 304, 302])('of status %i says that the instance is well', (status) => {
    expect(of(status)).toBeNull();
  });

  it.each([404, 429, 500, 501, 503])('of status %i says why it is not', (status) => {
    expect(of(status)).toBe(`status ${status}`);
  });

  it('is judged by the status of gRPC where it has one', () => {
    expect(of(200, 0)).toBeNull();
    expect(of(200, 14)).toBe('grpc 14 UNAVAILABLE');
    expect(of(200, 12)).toBe('grpc 12 UNIMPLEMENTED');
  });

  it('may say itself that it is bad', () => {
    expect(of(200, NO_GRPC_STATUS, true)).toBe('declared bad');
  });
});
