// Which requests may be sent again, and what pays for it.

import { describe, expect, it } from 'vitest';
import { type FailedAttempt, mayRetry, RetryBudget } from '../../../../src/proxy/exchange/attempt/retry.ts';

const CONFIG = {
  attempts: 2,
  statuses: [503],
  idempotent: false,
  bodyBytesMax: 65_536,
  budgetRatio: 0.2,
  budgetPerSecond: 3,
};
const REFUSED_POST: FailedAttempt = {
  progress: 'not-sent',
  method: 'POST',
  idempotencyKey: false,
  replayable: true,
  retries: 0,
  resends: 0,
  answerRetryable: false,
  budgetLeftMs: 50,
  askedLeftMs: Number.POSITIVE_INFINITY,
  candidates: 2,
  untried: 1,
};

function decide(changes: Partial<FailedAttempt>): boolean {
  return mayRetry({ ...REFUSED_POST, ...changes }, CONFIG, new RetryBudget(CONFIG), 0);
}

describe('another attempt', () => {
  it('is allowed for any method when the instance surely saw nothing', () => {
    expect(decide({})).toBe(true);
  });

  it('is allowed after something was sent only for what is idempotent', () => {
    expect(decide({ progress: 'sent' })).toBe(false);
    expect(decide({ progress: 'sent', method: 'PUT' })).toBe(true);
    expect(decide({ progress: 'sent', idempotencyKey: true })).toBe(true);
  });

  it('is outside the budget, the attempts and the limit while the instance did not look at the request', () => {
    const exhausted = { ...CONFIG, attempts: 0, bodyBytesMax: 65_536, budgetRatio: 0, budgetPerSecond: 0 };
    const resend = (changes: Partial<FailedAttempt>): boolean => {
      const failed: FailedAttempt = { ...REFUSED_POST, progress: 'unprocessed', budgetLeftMs: -1, ...changes };
      return mayRetry(failed, exhausted, new RetryBudget(exhausted), 0);
    };
    expect(resend({})).toBe(true);
    expect(resend({ resends: 10 })).toBe(false);
    expect(resend({ replayable: false })).toBe(false);
  });

  it('is outside the budget and the attempts while nothing was sent and an instance is left to try', () => {
    const exhausted = { ...CONFIG, attempts: 0, bodyBytesMax: 65_536, budgetRatio: 0, budgetPerSecond: 0 };
    const free = (changes: Partial<FailedAttempt>): boolean =>
      mayRetry({ ...REFUSED_POST, ...changes }, exhausted, new RetryBudget(exhausted), 0);
    expect(free({})).toBe(true);
    expect(free({ progress: 'own' })).toBe(true);
    // Late is better than an error.
    expect(free({ budgetLeftMs: -20 })).toBe(true);
    expect(free({ untried: 0 })).toBe(false);
    expect(free({ askedLeftMs: 0 })).toBe(false);
    expect(free({ resends: 10 })).toBe(false);
  });

  it('is never allowed once a head was seen, or when the body is gone', () => {
    expect(decide({ progress: 'answered', method: 'GET' })).toBe(false);
    expect(decide({ replayable: false })).toBe(false);
  });

  it('of what was answered is allowed for what may be repeated, while another instance is left', () => {
    const answered = { progress: 'answered', answerRetryable: true, untried: 1 } as const;
    expect(decide(answered)).toBe(false);
    expect(decide({ ...answered, method: 'GET' })).toBe(true);
    expect(decide({ ...answered, idempotencyKey: true })).toBe(true);
    expect(decide({ ...answered, method: 'GET', untried: 0 })).toBe(false);
    expect(decide({ ...answered, method: 'GET', answerRetryable: false })).toBe(false);
    expect(decide({ ...answered, method: 'GET', budgetLeftMs: 0 })).toBe(false);
    const idempotent = { ...CONFIG, idempotent: true };
    expect(mayRetry({ ...REFUSED_POST, ...answered }, idempotent, new RetryBudget(idempotent), 0)).toBe(true);
  });

  it('is never allowed past the attempts or the deadline', () => {
    const sent = { progress: 'sent', method: 'GET' } as const;
    expect(decide({ ...sent, retries: 1 })).toBe(true);
    expect(decide({ ...sent, retries: 2 })).toBe(false);
    expect(decide({ ...sent, budgetLeftMs: 0 })).toBe(false);
    expect(decide({ ...sent, budgetLeftMs: 1 })).toBe(false);
  });
});

describe('the retry budget', () => {
  function drain(budget: RetryBudget, nowMs: number): number {
    let taken = 0;
    while (budget.withdraw(nowMs)) taken++;
    return taken;
  }

  it('lets a fifth of the requests be retried', () => {
    const budget = new RetryBudget({ budgetRatio: 0.2, budgetPerSecond: 0 });
    for (let i = 0; i < 50; i++) budget.deposit();
    expect(drain(budget, 0)).toBe(10);
  });

  it('adds a fixed number a second', () => {
    const budget = new RetryBudget({ budgetRatio: 0, budgetPerSecond: 3 });
    expect(drain(budget, 0)).toBe(3);
    expect(drain(budget, 1000)).toBe(3);
    expect(drain(budget, 1500)).toBe(1);
  });

  it('does not pile up without bound', () => {
    const budget = new RetryBudget({ budgetRatio: 0.2, budgetPerSecond: 3 });
    drain(budget, 0);
    for (let i = 0; i < 100_000; i++) budget.deposit();
    expect(drain(budget, 3_600_000)).toBe(50);
  });
});
