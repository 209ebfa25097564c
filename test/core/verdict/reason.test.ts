import { describe, expect, it } from 'vitest';
import type { AttemptResult } from '../../../src/core/domain.ts';
import { NO_GRPC_STATUS } from '../../../src/core/verdict/grpc.ts';
import { NO_REASON, reasonOf, reasonText } from '../../../src/core/verdict/reason.ts';
import { TABLE, type VerdictRow } from '../../../src/core/verdict/table.ts';

const text = (row: VerdictRow, taken: AttemptResult, status = 0, grpcStatus = NO_GRPC_STATUS): string | null => {
  const reason = reasonOf({ row }, taken, { status, grpcStatus });
  return reason === NO_REASON ? null : reasonText(reason);
};

describe('the reason that an attempt was no success', () => {
  it('is its status where it has one', () => {
    expect(text('failed', 'failed', 503)).toBe('status 503');
    expect(text('full', 'full', 429)).toBe('status 429');
    expect(text('accepted', 'failed', 218)).toBe('status 218');
    expect(text('failed', 'failed', 200, 14)).toBe('grpc 14 UNAVAILABLE');
    expect(text('full', 'full', 200, 8)).toBe('grpc 8 RESOURCE_EXHAUSTED');
    expect(text('broke-off', 'failed', 200, 13)).toBe('grpc 13 INTERNAL');
    expect(text('broke-off', 'failed', 200, 0)).toBe('broke off');
    expect(text('broke-off', 'failed', 200)).toBe('broke off');
  });

  it('is held against the instance only as far as the router does so', () => {
    expect(text('declined', 'answered', 404)).toBeNull();
    expect(text('declined', 'failed', 404)).toBe('status 404');
    expect(text('redirected', 'failed', 302)).toBe('status 302');
    expect(text('empty', 'answered', 200)).toBeNull();
    expect(text('client-left', 'aborted')).toBeNull();
    expect(text('deadline', 'aborted')).toBeNull();
    expect(text('deadline', 'timeout')).toBe('no answer by the deadline');
    expect(text('client-left', 'timeout')).toBe('clients left');
  });

  it('has a word for every row but those that are harmless', () => {
    const silent = Object.keys(TABLE).filter((row) => text(row as VerdictRow, 'failed', 500) === null);
    expect(silent.sort()).toEqual(['delayed', 'own-fault', 'success', 'unprocessed']);
    expect(text('reset', 'refused')).toBe('reset');
    expect(text('late', 'answered', 200)).toBe('late');
  });
});
