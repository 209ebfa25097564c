import { describe, expect, it } from 'vitest';
import type { AttemptResult, Evidence } from '../../../src/core/domain.ts';
import { createRng } from '../../../src/core/rng.ts';
import { RelativeEvidence } from '../../../src/core/router/relative-evidence.ts';

const LIMIT_MS = 80;

class Service {
  readonly #book = new RelativeEvidence(LIMIT_MS, 0);
  nowMs = 0;

  constructor(instances: number) {
    for (let handle = 0; handle < instances; handle++) this.#book.begin(handle);
  }

  replace(handle: number): void {
    this.#book.begin(handle);
  }

  /** One round: every instance gives its answer, 50 ms later. */
  round(answers: readonly Evidence[], latencyMs = 10): AttemptResult[] {
    this.nowMs += 50;
    return answers.map((evidence, handle) => this.#book.judge(handle, evidence, latencyMs, this.nowMs));
  }

  /** One instance answers a stream, which turns out to be hollow. */
  stream(handle: number): AttemptResult {
    this.nowMs += 50;
    this.#book.judge(handle, 'answered', 10, this.nowMs);
    return this.#book.judgeHollow(handle, this.nowMs + 20);
  }

  rounds(count: number, answers: readonly Evidence[], latencyMs = 10): AttemptResult[] {
    let last: AttemptResult[] = [];
    for (let i = 0; i < count; i++) last = this.round(answers, latencyMs);
    return last;
  }
}

describe('evidence beside the others', () => {
  it.each(['declined', 'redirected', 'empty', 'unfit'] as const)(
    'holds %s against the one that alone answers so',
    (odd) => {
      const service = new Service(3);
      expect(service.rounds(10, [odd, 'answered', 'answered'])).toEqual(['failed', 'answered', 'answered']);
    },
  );

  it('charges no instance when all answer alike', () => {
    const service = new Service(3);
    for (let i = 0; i < 200; i++) {
      expect(service.round(['declined', 'declined', 'declined'])).toEqual(['answered', 'answered', 'answered']);
    }
  });

  it('holds hollow streams against one that has nearly all the requests', () => {
    const service = new Service(2);
    service.rounds(4, ['answered', 'answered']);
    const results = Array.from({ length: 40 }, () => service.stream(0));
    expect(results.slice(-10)).toEqual(Array.from({ length: 10 }, () => 'failed'));
    expect(Array.from({ length: 40 }, () => [service.stream(0), service.stream(1)]).at(-1)).toEqual([
      'answered',
      'answered',
    ]);
  });

  it('looks at the others where next to nothing is known of them', () => {
    const service = new Service(2);
    service.round(['answered', 'answered']);
    const results = Array.from({ length: 40 }, () => service.stream(0));
    expect(results.filter((result) => result === 'failed')).toHaveLength(1);
  });

  it('holds nothing against an instance that is alone', () => {
    const service = new Service(1);
    for (let i = 0; i < 200; i++) expect(service.round(['declined'])).toEqual(['answered']);
  });

  it('charges no instance for the mistakes of clients, wherever they go', () => {
    const service = new Service(4);
    const rng = createRng(7);
    let failed = 0;
    for (let i = 0; i < 2000; i++) {
      const answers = Array.from({ length: 4 }, (): Evidence => (rng.next() < 0.3 ? 'declined' : 'answered'));
      failed += service.round(answers).filter((result) => result === 'failed').length;
    }
    // 2,400 odd answers; three standard errors let chance through once in several hundred.
    expect(failed).toBeLessThan(24);
  });

  it('charges only what exceeds the share of the others', () => {
    const service = new Service(2);
    const rng = createRng(7);
    let declined = 0;
    let failed = 0;
    for (let i = 0; i < 2000; i++) {
      const own: Evidence = rng.next() < 0.8 ? 'declined' : 'answered';
      const others: Evidence = rng.next() < 0.4 ? 'declined' : 'answered';
      if (own === 'declined') declined++;
      if (service.round([own, others])[0] === 'failed') failed++;
    }
    // (0.8 − 0.4) / 0.8 of them; both shares are known to a few percent.
    expect(failed / declined).toBeGreaterThan(0.4);
    expect(failed / declined).toBeLessThan(0.6);
  });

  it('does not mix kinds: redirects do not hide behind what clients ask wrongly', () => {
    const service = new Service(2);
    for (let i = 0; i < 20; i++) service.round(['redirected', i % 2 === 0 ? 'declined' : 'answered']);
    expect(service.round(['redirected', 'answered'])).toEqual(['failed', 'answered']);
  });

  it('charges a declined answer no less than what a proper one takes', () => {
    const book = new RelativeEvidence(LIMIT_MS, 0);
    book.begin(0);
    book.judge(0, 'declined', 2, 0);
    expect(book.chargedMs).toBe(2);
    book.judge(0, 'answered', 30, 0);
    book.judge(0, 'declined', 2, 0);
    expect(book.chargedMs).toBe(30);
    book.judge(0, 'declined', 70, 0);
    expect(book.chargedMs).toBe(70);
  });

  it('charges what they take where odd answers are the rule, however late a few proper ones were', () => {
    const book = new RelativeEvidence(LIMIT_MS, 0);
    book.begin(0);
    for (let i = 0; i < 4; i++) book.judge(0, 'answered', 1.5 * LIMIT_MS, i);
    book.judge(0, 'answered', LIMIT_MS, 4);
    for (let i = 0; i < 20; i++) book.judge(0, 'empty', 2, 5 + i);
    expect(book.chargedMs).toBe(2);
  });

  it('charges no declined answer for those that are late', () => {
    const book = new RelativeEvidence(LIMIT_MS, 0);
    book.begin(0);
    for (let i = 0; i < 4; i++) {
      book.judge(0, 'answered', 1.5 * LIMIT_MS, i);
      book.judge(0, 'answered', LIMIT_MS / 2, i);
    }
    book.judge(0, 'declined', 2, 4);
    expect(book.chargedMs).toBe(LIMIT_MS / 2);
  });

  it('forgets an instance whose handle means another one', () => {
    const service = new Service(2);
    service.rounds(50, ['declined', 'answered']);
    service.replace(0);
    expect(service.round(['declined', 'answered'])).toEqual(['answered', 'answered']);
  });

  it('keeps its shares over days of traffic', () => {
    const service = new Service(2);
    service.rounds(10, ['declined', 'answered']);
    service.nowMs += 5 * 86_400_000;
    expect(service.round(['declined', 'answered'])).toEqual(['answered', 'answered']);
    expect(service.rounds(10, ['declined', 'answered'])).toEqual(['failed', 'answered']);
  });
});

describe('clients that go away without an answer', () => {
  it('say that an instance hangs when it alone never answers', () => {
    const service = new Service(3);
    expect(service.rounds(10, ['aborted', 'answered', 'answered'], 50)).toEqual(['timeout', 'answered', 'answered']);
  });

  it('say nothing when the instance answers others', () => {
    const service = new Service(2);
    for (let i = 0; i < 100; i++) {
      expect(service.round([i % 3 === 0 ? 'answered' : 'aborted', 'answered'])[0]).not.toBe('timeout');
    }
  });

  it('say nothing when they go away from all alike', () => {
    const service = new Service(2);
    for (let i = 0; i < 100; i++) expect(service.round(['aborted', 'aborted'], 50)).toEqual(['aborted', 'aborted']);
  });

  it('say nothing when they left before any instance could have answered', () => {
    const service = new Service(2);
    service.rounds(10, ['answered', 'answered'], 30);
    for (let i = 0; i < 20; i++) expect(service.round(['aborted', 'aborted'], 2)).toEqual(['aborted', 'aborted']);
  });
});

describe('a deadline that its client set', () => {
  it('says that an instance is late once it took as long as answers do', () => {
    const service = new Service(2);
    service.rounds(10, ['answered', 'answered'], 30);
    expect(service.round(['expired', 'expired'], 29)).toEqual(['aborted', 'aborted']);
    expect(service.round(['expired', 'expired'], 30)).toEqual(['timeout', 'timeout']);
  });

  it('says nothing within the limit while no instance has answered', () => {
    const service = new Service(1);
    expect([service.round(['expired'], LIMIT_MS / 2), service.round(['expired'], LIMIT_MS)]).toEqual([
      ['aborted'],
      ['timeout'],
    ]);
  });
});

describe('a request that was not looked at', () => {
  it('says nothing, however long that took', () => {
    const book = new RelativeEvidence(LIMIT_MS, 0);
    book.begin(0);
    expect(book.judge(0, 'unprocessed', 10 * LIMIT_MS, 0)).toBe('aborted');
    // Policies take an abort behind the limit for a miss.
    expect(book.chargedMs).toBe(LIMIT_MS);
  });
});

describe('an instance with nearly all the requests', () => {
  const PAST = 400;

  /** A long good past, in which the other one was asked a few times, long ago. */
  function settled(): Service {
    const service = new Service(2);
    service.rounds(3, ['answered', 'answered']);
    service.rounds(PAST, ['answered']);
    return service;
  }

  it('is looked into once when its answers become odd, so that the others are asked', () => {
    const service = settled();
    const taken = Array.from({ length: 40 }, () => service.round(['declined'])[0]);
    expect(taken.indexOf('failed')).toBe(7);
    expect(taken.filter((result) => result === 'failed')).toHaveLength(1);
  });

  it('is charged once the others were found to answer properly, and is not when they answer as it does', () => {
    const alone = settled();
    alone.rounds(8, ['declined']);
    expect(alone.rounds(8, ['declined', 'answered'])[0]).toBe('failed');
    const alike = settled();
    alike.rounds(8, ['declined']);
    for (let i = 0; i < 100; i++) expect(alike.round(['declined', 'declined'])[0]).toBe('answered');
    expect(alike.round(['declined', 'declined'])).toEqual(['answered', 'answered']);
  });

  it('is not looked into where it answered so before', () => {
    const service = new Service(2);
    service.rounds(10, ['declined', 'declined']);
    for (let i = 0; i < 200; i++) expect(service.round([i % 2 === 0 ? 'declined' : 'answered'])).toEqual(['answered']);
  });
});
