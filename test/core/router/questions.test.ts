import { describe, expect, it } from 'vitest';
import type { Candidate, Evidence } from '../../../src/core/domain.ts';
import { NO_QUESTION, Questions, questionOf } from '../../../src/core/router/questions.ts';
import { createWorld, populate, REQUEST, type World } from '../support.ts';

const COLUMN = 2;
const BAD = questionOf('cam-1', 'GET', '/bad');

class Asked {
  readonly questions = new Questions();
  nowMs = 0;

  odd(handle: number, question = BAD, column = COLUMN): string {
    return this.questions.odd(question, { handle, column }, this.nowMs++);
  }

  odds(handle: number, times: number): string[] {
    return Array.from({ length: times }, () => this.odd(handle));
  }

  answered(handle: number, question = BAD): void {
    this.questions.answered(question, handle, this.nowMs++);
  }
}

describe('a question that is answered oddly', () => {
  it('is its own doing once the others were asked and answer it alike', () => {
    const asked = new Asked();
    expect(asked.odds(0, 3)).toEqual(['instance', 'open', 'open']);
    expect(asked.questions.asked(BAD)).toBe(0);
    expect(asked.odds(1, 4).at(-1)).toBe('open');
    expect(asked.questions.asked(BAD)).toBe(1);
    expect([asked.odd(0), asked.odd(0), asked.odd(1)]).toEqual(['question', 'question', 'question']);
    expect(asked.questions.asked(BAD)).toBeNull();
  });

  it('is the doing of the instance once another one answers it properly', () => {
    const asked = new Asked();
    asked.odds(0, 2);
    asked.answered(1);
    expect(asked.questions.asked(BAD)).toBeNull();
    expect(asked.odd(0)).toBe('instance');
    asked.odds(2, 10);
    expect(asked.odd(0)).toBe('instance');
  });

  it('is held against its instance where no other one can be asked', () => {
    const asked = new Asked();
    expect(asked.odds(0, 12).slice(-3)).toEqual(['instance', 'instance', 'instance']);
    expect(asked.questions.asked(BAD)).toBeNull();
  });

  it('says nothing of others: of another client, another path, or answered oddly in another way', () => {
    const asked = new Asked();
    asked.odds(0, 3);
    asked.odds(1, 5);
    expect(asked.odd(0, questionOf('cam-2', 'GET', '/bad'))).toBe('instance');
    expect(asked.odd(0, questionOf('cam-1', 'GET', '/good'))).toBe('instance');
    expect(asked.odd(0, BAD, COLUMN + 1)).toBe('instance');
    expect(asked.odd(0, NO_QUESTION)).toBe('instance');
  });

  it('is forgotten a minute after its last odd answer, and with its instance', () => {
    const asked = new Asked();
    asked.odds(1, 5);
    asked.questions.forget(1);
    expect(asked.odds(0, 2)).toEqual(['instance', 'open']);
    asked.nowMs += 60_001;
    expect(asked.questions.any).toBe(true);
    asked.answered(0);
    expect(asked.questions.any).toBe(false);
  });

  it('costs bounded memory', () => {
    const asked = new Asked();
    for (let i = 1; i < 10_000; i++) asked.odd(i % 100, i);
    expect(asked.odd(9_999 % 100, 9_999)).toBe('open');
    expect(asked.odd(1, 1)).toBe('instance');
  });
});

describe('the opinion of another instance', () => {
  const start = (world: World, to: Candidate, question = BAD) => world.router.start(to, world.nowMs, '', question);

  /** Two instances that answer, until the first one answers the question oddly. */
  function begun() {
    const world = createWorld('qedge');
    populate(world, [0, 10]);
    const [odd, other] = world.router.candidates;
    if (odd === undefined || other === undefined) throw new Error('no candidates');
    for (let i = 0; i < 20; i++)
      for (const one of [odd, other]) world.router.finish(start(world, one, NO_QUESTION), 'answered', 20, world.nowMs);
    for (let i = 0; i < 3; i++) world.router.finish(start(world, odd), 'declined', 20, world.nowMs);
    /** Requests with the question in a row that go to the other one, which gives them `evidence`. */
    const passed = (evidence: Evidence): number => {
      for (let passed = 0; passed < 100; passed++) {
        if (world.router.route({ ...REQUEST, question: BAD }, world.nowMs) !== other) return passed;
        world.router.finish(start(world, other), evidence, 1, world.nowMs);
      }
      return 100;
    };
    return { world, odd, other, passed };
  }

  it('is asked for a few times where it is never given', () => {
    const passed = begun().passed('aborted');
    expect(passed).toBeGreaterThan(4);
    expect(passed).toBeLessThan(20);
  });

  it('is not asked for again after a failure', () => {
    expect(begun().passed('failed')).toBeLessThan(4);
  });

  it('is not asked for where the answer would be late', () => {
    const { world, odd, other } = begun();
    for (let i = 0; i < 20; i++) start(world, other, NO_QUESTION);
    expect(world.router.route({ ...REQUEST, question: BAD }, world.nowMs)).toBe(odd);
  });

  it('is not asked for until ten seconds after a request was refused', () => {
    const { world, odd, other } = begun();
    const goesTo = () => world.router.route({ ...REQUEST, question: BAD }, world.nowMs);
    expect(goesTo()).toBe(other);
    const underway: { readonly ticket: number; readonly latencyMs: number; readonly endMs: number }[] = [];
    const finish = (untilMs: number): void => {
      for (const { ticket, latencyMs } of underway.splice(0, underway.filter(({ endMs }) => endMs <= untilMs).length))
        world.router.finish(ticket, 'answered', latencyMs, world.nowMs);
    };
    // In time at first, then late until one is refused.
    for (let i = 0; i < 3000 && world.router.lastTier !== 'shed'; i++) {
      const latencyMs = i < 200 ? 40 : 200;
      const to = world.router.route(REQUEST, world.nowMs);
      if (to !== null)
        underway.push({ ticket: start(world, to, NO_QUESTION), latencyMs, endMs: world.nowMs + latencyMs });
      world.pass(10);
      finish(world.nowMs);
    }
    finish(Number.POSITIVE_INFINITY);
    expect(world.router.lastTier).toBe('shed');
    const seven = () => Array.from({ length: 7 }, goesTo);
    world.pass(9_000);
    expect(seven()).toContain(odd);
    world.pass(1_001);
    expect(seven()).toEqual(Array(7).fill(other));
  });
});

describe('the number of a question', () => {
  it('is another one for another client, method or path, whatever its query', () => {
    const numbers = [
      questionOf('a', 'GET', '/b'),
      questionOf('ab', 'GET', '/b'),
      questionOf('a', 'POST', '/b'),
      questionOf('a', 'GET', '/c'),
      questionOf('', 'aGET', '/b'),
    ];
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(questionOf('a', 'GET', '/b?frame=1')).toBe(questionOf('a', 'GET', '/b?frame=2'));
  });
});
