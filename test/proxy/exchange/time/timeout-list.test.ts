// One timer for many timeouts.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TimeoutEntry, TimeoutList } from '../../../../src/proxy/exchange/time/timeout-list.ts';

class Named extends TimeoutEntry {
  readonly #name: string;
  readonly #due: string[];

  constructor(name: string, due: string[]) {
    super();
    this.#name = name;
    this.#due = due;
  }

  onTimeout(): void {
    this.#due.push(this.#name);
  }
}

describe('a timeout list', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  const setUp = () => {
    const due: string[] = [];
    const list = new TimeoutList(100, () => performance.now());
    const add = (name: string): Named => {
      const entry = new Named(name, due);
      list.add(entry, performance.now());
      return entry;
    };
    return { due, add };
  };

  it('reports each when it is due, in order', () => {
    const { due, add } = setUp();
    add('one');
    vi.advanceTimersByTime(60);
    add('two');
    vi.advanceTimersByTime(41);
    expect(due).toEqual(['one']);
    vi.advanceTimersByTime(60);
    expect(due).toEqual(['one', 'two']);
  });

  it('reports nothing that was cancelled, wherever in the list it stood', () => {
    const { due, add } = setUp();
    const all = ['a', 'b', 'c', 'd', 'e'].map(add);
    for (const i of [0, 2, 4]) all[i]?.cancelTimeout();
    all[0]?.cancelTimeout();
    vi.advanceTimersByTime(101);
    expect(due).toEqual(['b', 'd']);
  });

  it('needs one timer however many wait, and none when none does', () => {
    const { due, add } = setUp();
    for (let i = 0; i < 50; i++) add('x').cancelTimeout();
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(101);
    expect(vi.getTimerCount()).toBe(0);
    add('late');
    vi.advanceTimersByTime(101);
    expect(due).toEqual(['late']);
  });
});
