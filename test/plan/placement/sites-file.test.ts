import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/errors.ts';
import { parseSites } from '../../../src/plan/placement/sites-file.ts';
import { DEFAULTS } from './support.ts';

function problemsOf(text: string): string[] {
  try {
    parseSites('sites.csv', text, DEFAULTS);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
}

describe('a table of nodes', () => {
  it('gives distances, clients and work, with columns in any order', () => {
    const { nodes, rttMs, rates, written } = parseSites(
      'sites.csv',
      '# two\nb,node,rate,clients,a\n7,a,10,3,0.5\n0.5,b,,0,none\n',
      DEFAULTS,
    );
    expect(nodes).toEqual(['a', 'b']);
    expect([...rttMs]).toEqual([0.5, 7, Number.POSITIVE_INFINITY, 0.5]);
    expect([...rates]).toEqual([expect.closeTo(30, 2), 0]);
    expect(written.clients).toEqual([{ each: 3, on: ['a'], rate: 10 }]);
  });

  it('names everything that is wrong, with its line', () => {
    expect(problemsOf('node,rate,rate,x,a\na,ten,1,2,-1\n?,1,1,2,')).toEqual([
      'sites.csv:1:1: column 3: "rate" is there already',
      'sites.csv:1:1: column 4: neither node, clients, rate, work nor a node: "x"',
      'sites.csv:1:1: there is no column "?"',
      'sites.csv:2:1: a: expected a number of 0 or more, got "-1"',
      'sites.csv:3:1: expected the name of a node (letters, digits, ".", "_", "-", at most 64), got "?"',
      'sites.csv:3:1: a: expected a number of 0 or more, got ""',
    ]);
    expect(problemsOf('node,work,a\na,0,1')).toEqual([
      'sites.csv:2:1: work: expected more than 0 ms, or "none" where there can be no instance',
    ]);
    expect(problemsOf('node,work,a\na,zero,1')).toEqual([
      'sites.csv:2:1: work: expected a number of 0 or more, got "zero"',
    ]);
    expect(problemsOf('')).toEqual([
      'sites.csv: expected a header such as node,clients,rate,work and the names of the nodes',
    ]);
  });

  it('names a node that is there twice, once, and says nothing of columns where none has a meaning', () => {
    expect(problemsOf('node,a,b\na,0,1\nb,1,0\na,0,x')).toEqual([
      'sites.csv:4:1: node "a" is there already',
      'sites.csv:4:1: b: expected a number of 0 or more, got "x"',
    ]);
    expect(problemsOf('node;rate;a\na;1;0\n')).toEqual([
      'sites.csv:1:1: there is no column "node", or it is not separated by commas: "node;rate;a"',
    ]);
    expect(problemsOf('name,a\na,0\n')).toEqual(['sites.csv:1:1: there is no column "node": "name,a"']);
  });

  it('names what is wrong as a whole', () => {
    expect(problemsOf('node,rate,work,a\na,0,none,1')).toEqual([
      'sites.csv: no node can carry an instance: work is none on all',
      'sites.csv: no node has clients that ask for anything',
    ]);
    expect(problemsOf('node,clients,a,b\na,1e5,0,1\nb,1,1,0')).toEqual([
      'sites.csv: clients: expected at most 100000 on all nodes together, got 100001',
    ]);
    expect(problemsOf('node,a\n"a,1')).toEqual([expect.stringContaining('sites.csv:2:1: not valid CSV')]);
  });
});
