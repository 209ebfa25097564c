import { describe, expect, it } from 'vitest';
import { SessionTable } from '../../../src/core/router/session-table.ts';

const IDLE_MS = 1000;

describe('the table of sessions', () => {
  it('remembers where a session was served last', () => {
    const table = new SessionTable(IDLE_MS);
    expect(table.homeOf('s', 0)).toBeNull();
    table.assign('s', 'n1/a', 0);
    table.assign('s', 'n2/a', 10);
    table.assign('s', 'n2/a', 20);
    expect(table.homeOf('s', 30)).toBe('n2/a');
    expect(table.state(30)).toEqual({ sessions: 1, kept: 1, moved: 1 });
  });

  it('forgets a session that is idle for too long', () => {
    const table = new SessionTable(IDLE_MS);
    table.assign('s', 'n1/a', 0);
    expect(table.homeOf('s', IDLE_MS + 1)).toBeNull();
    expect(table.state(IDLE_MS + 1).sessions).toBe(0);
    table.assign('s', 'n2/a', IDLE_MS + 1);
    expect(table.state(IDLE_MS + 1)).toEqual({ sessions: 1, kept: 0, moved: 0 });
  });

  it('lets the least recently used one go when it is full', () => {
    const table = new SessionTable(IDLE_MS, 2);
    table.assign('a', 'n1/a', 0);
    table.assign('b', 'n1/a', 1);
    table.assign('a', 'n1/a', 2);
    table.assign('c', 'n1/a', 3);
    expect(['a', 'b', 'c'].map((session) => table.homeOf(session, 3))).toEqual(['n1/a', null, 'n1/a']);
  });
});
