import { describe, expect, it } from 'vitest';
import { NO_QUESTION, Questions, questionOf } from '../../../src/core/router/questions.ts';

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
