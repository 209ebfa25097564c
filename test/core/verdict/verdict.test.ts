import { describe, expect, it } from 'vitest';
import { NO_GRPC_STATUS } from '../../../src/core/verdict/grpc.ts';
import { FAILURE_DEFAULT, RETRY_STATUSES_DEFAULT, verdictRules } from '../../../src/core/verdict/rules.ts';
import { TABLE, type VerdictRow } from '../../../src/core/verdict/table.ts';
import { type AttemptEnding, accountOf, verdictAfterFirstByte, verdictOf } from '../../../src/core/verdict/verdict.ts';

const RULES = verdictRules(FAILURE_DEFAULT, RETRY_STATUSES_DEFAULT);

/** A good answer in time, but for the changes. */
function ending(changes: Partial<AttemptEnding> = {}): AttemptEnding {
  return {
    by: 'answer',
    status: 200,
    grpcStatus: NO_GRPC_STATUS,
    bodyBytes: 10,
    bodyExpected: true,
    truncated: false,
    misfit: null,
    declaredFailure: false,
    inTime: true,
    attemptInTime: true,
    expired: false,
    stalled: false,
    ...changes,
  };
}

/** What happened, the row it is, the client's account, the evidence, and whether another instance may do better. */
const ROWS: readonly (readonly [Partial<AttemptEnding>, VerdictRow, string, string, boolean])[] = [
  [{}, 'success', 'success', 'answered', false],
  ...[202, 204, 205, 304].map((status) => [{ status, bodyBytes: 0 }, 'empty', 'success', 'empty', false] as const),
  [{ status: 304, bodyExpected: false, bodyBytes: 0 }, 'success', 'success', 'answered', false],
  [{ bodyExpected: false, bodyBytes: 0 }, 'success', 'success', 'answered', false],
  [{ inTime: false, attemptInTime: false }, 'late', 'late', 'answered', false],
  [{ inTime: false }, 'delayed', 'late', 'answered', false],
  [{ status: 500 }, 'failed', 'failed', 'failed', false],
  [{ status: 502 }, 'failed', 'failed', 'failed', true],
  [{ status: 503 }, 'failed', 'failed', 'failed', true],
  [{ status: 504, inTime: false }, 'failed', 'failed', 'failed', true],
  [{ status: 599 }, 'failed', 'failed', 'failed', false],
  [{ status: 429 }, 'full', 'failed', 'full', true],
  [{ status: 408 }, 'full', 'failed', 'full', true],
  [{ status: 400 }, 'declined', 'none', 'declined', false],
  [{ status: 404 }, 'declined', 'none', 'declined', false],
  [{ status: 404, inTime: false }, 'declined', 'none', 'declined', false],
  [{ status: 501 }, 'declined', 'none', 'declined', false],
  [{ status: 505 }, 'declined', 'none', 'declined', false],
  [{ status: 700 }, 'declined', 'none', 'declined', false],
  [{ status: 302 }, 'redirected', 'none', 'redirected', false],
  [{ status: 308 }, 'redirected', 'none', 'redirected', false],
  [{ bodyBytes: 0 }, 'empty', 'success', 'empty', false],
  [{ bodyBytes: 0, inTime: false, attemptInTime: false }, 'late', 'late', 'answered', false],
  [{ misfit: 'problem' }, 'problem', 'none', 'unfit', false],
  [{ misfit: 'unacceptable' }, 'unacceptable', 'success', 'unfit', false],
  [{ misfit: 'unacceptable', inTime: false, attemptInTime: false }, 'late', 'late', 'answered', false],
  [{ misfit: 'unacceptable', status: 404 }, 'declined', 'none', 'declined', false],
  [{ misfit: 'mismatched', status: 206 }, 'mismatched', 'none', 'unfit', false],
  [{ misfit: 'mismatched', status: 304, bodyExpected: false, bodyBytes: 0 }, 'mismatched', 'none', 'unfit', false],
  [{ misfit: 'corrupt' }, 'corrupt', 'none', 'unfit', false],
  [{ misfit: 'accepted', status: 202 }, 'accepted', 'success', 'unfit', false],
  [{ misfit: 'unfinished' }, 'unfinished', 'success', 'unfit', false],
  [{ declaredFailure: true }, 'declared', 'failed', 'failed', false],
  [{ truncated: true }, 'cut-off', 'failed', 'failed', true],
  [{ grpcStatus: 0 }, 'success', 'success', 'answered', false],
  [{ grpcStatus: 0, bodyBytes: 0 }, 'empty', 'success', 'empty', false],
  [{ grpcStatus: 14 }, 'failed', 'failed', 'failed', true],
  [{ grpcStatus: 8 }, 'full', 'failed', 'full', true],
  ...[2, 4, 13, 15].map((grpcStatus) => [{ grpcStatus }, 'failed', 'failed', 'failed', false] as const),
  ...[1, 3, 5, 6, 7, 9, 10, 11, 12, 16].map(
    (grpcStatus) => [{ grpcStatus }, 'declined', 'none', 'declined', false] as const,
  ),
  [{ by: 'own-fault', status: 0 }, 'own-fault', 'failed', 'unprocessed', true],
  [{ by: 'connect', status: 0 }, 'refused', 'failed', 'refused', true],
  [{ by: 'unprocessed', status: 0 }, 'unprocessed', 'failed', 'unprocessed', true],
  [{ by: 'reset', status: 0 }, 'reset', 'failed', 'refused', true],
  [{ by: 'reset' }, 'cut-off', 'failed', 'failed', true],
  [{ by: 'protocol', status: 0 }, 'malformed', 'failed', 'failed', false],
  [{ by: 'timeout', status: 0, inTime: false }, 'timeout', 'failed', 'timeout', true],
  [{ by: 'deadline', status: 0 }, 'deadline', 'failed', 'expired', false],
  [{ by: 'client', status: 0 }, 'client-left', 'none', 'aborted', false],
  [{ by: 'client', status: 0, inTime: false }, 'client-gave-up', 'failed', 'aborted', false],
];

describe('the verdict', () => {
  it.each(ROWS)('on %j is %s: account %s, evidence %s, retryable %s', (changes, row, account, evidence, retryable) => {
    expect(verdictOf(ending(changes), RULES)).toEqual({ row, account, evidence, retryable });
  });

  it('has a test for every row of the table', () => {
    const ofStreams = ['broke-off', 'stalled'];
    const configured = ['short'];
    expect([...new Set(ROWS.map(([, row]) => row)), ...ofStreams, ...configured].sort()).toEqual(
      Object.keys(TABLE).sort(),
    );
  });

  it('calls a body below the configured size too short', () => {
    const rules = verdictRules({ ...FAILURE_DEFAULT, bodyBytesMin: 11 }, []);
    expect(verdictOf(ending({ bodyBytes: 10 }), rules)).toEqual(TABLE.short);
    expect(verdictOf(ending({ bodyBytes: 11 }), rules)).toEqual(TABLE.success);
    expect(verdictOf(ending({ bodyBytes: 0, bodyExpected: false }), rules)).toEqual(TABLE.success);
  });

  it('counts what is no failure as a success where nothing is relative', () => {
    const rules = verdictRules({ ...FAILURE_DEFAULT, relative: false }, []);
    for (const changes of [{ status: 404 }, { status: 302 }, { grpcStatus: 12 }, { bodyBytes: 0 }]) {
      expect(verdictOf(ending(changes), rules)).toEqual(TABLE.success);
    }
  });

  it('follows the lists of the service', () => {
    const rules = verdictRules({ ...FAILURE_DEFAULT, statuses: [404], grpc: [5] }, [404]);
    expect(verdictOf(ending({ status: 404 }), rules)).toEqual({ ...TABLE.failed, retryable: true });
    expect(verdictOf(ending({ status: 503 }), rules)).toEqual(TABLE.declined);
    expect(verdictOf(ending({ grpcStatus: 5 }), rules)).toEqual(TABLE.failed);
    expect(verdictOf(ending({ grpcStatus: 14 }), rules)).toEqual(TABLE.declined);
  });
});

describe('a stream that was a success at its first byte', () => {
  it.each([
    ['ends', {}, null],
    ['is left by its viewer', { by: 'client' as const }, null],
    ['ends with a status that is no failure', { grpcStatus: 11 }, null],
    ['ends with a failure', { grpcStatus: 14 }, TABLE['broke-off']],
    ['ends in the middle of its body', { truncated: true }, TABLE['broke-off']],
    ['is reset', { by: 'reset' as const }, TABLE['broke-off']],
    ['ends at the deadline of its client', { grpcStatus: 4, expired: true }, null],
    ['is reset at the deadline of its client', { by: 'reset' as const, grpcStatus: 0, expired: true }, null],
    ['ends with a deadline of its own', { grpcStatus: 4 }, TABLE['broke-off']],
    ['breaks off behind a deadline, and is no call', { by: 'reset' as const, expired: true }, TABLE['broke-off']],
    ['falls silent', { by: 'timeout' as const }, TABLE['broke-off']],
    ['pauses for too long', { stalled: true }, TABLE.stalled],
    ['pauses for too long and is left', { stalled: true, by: 'client' as const }, TABLE.stalled],
  ])('%s', (_, changes, verdict) => {
    expect(verdictAfterFirstByte(ending(changes), RULES)).toEqual(verdict);
  });
});

describe('the account of the client', () => {
  it.each([
    [TABLE.success, 'answered', 'success'],
    [TABLE.late, 'answered', 'late'],
    [TABLE.declined, 'answered', 'none'],
    [TABLE.declined, 'failed', 'failed'],
    [TABLE.empty, 'failed', 'failed'],
    [TABLE['client-left'], 'aborted', 'none'],
    [TABLE['client-left'], 'timeout', 'failed'],
  ] as const)('of %j, taken for %s, is a %s', (verdict, taken, account) => {
    expect(accountOf(verdict, taken)).toBe(account);
  });
});
