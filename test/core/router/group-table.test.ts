import { describe, expect, it } from 'vitest';
import { GroupTable } from '../../../src/core/router/group-table.ts';

describe('the table of groups', () => {
  it('forgets the client whose last answer is the oldest', () => {
    const table = new GroupTable(2);
    table.observe('a', 1);
    table.observe('b', 2);
    table.observe('a', 3);
    table.observe('c', 4);
    expect(['a', 'b', 'c', 'd'].map((client) => table.of(client))).toEqual([3, 0, 4, 0]);
  });
});
