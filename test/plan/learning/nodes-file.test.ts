import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/errors.ts';
import { parseNodes } from '../../../src/plan/learning/nodes-file.ts';

function problemsOf(text: string): string {
  try {
    parseNodes('nodes.csv', text);
    return '';
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

describe('a file of nodes', () => {
  it('gives roles, costs and samples, comments and empty lines aside', () => {
    const { global, aggregators, clients } = parseNodes(
      'nodes.csv',
      '# three\ng, global-aggregator\n\na,aggregator,"g:2.5"\nc,client,"g:4, a:1","cat:10,dog:0"\n',
    );
    expect(global.id).toBe('g');
    expect(aggregators[0]?.costs).toEqual(new Map([['g', 2.5]]));
    expect(clients[0]?.samples).toEqual(
      new Map([
        ['cat', 10],
        ['dog', 0],
      ]),
    );
  });

  it('may begin with the names of its columns', () => {
    const nodes = 'g,global-aggregator\nc,client,,0:1';
    expect(parseNodes('nodes.csv', `id,role,"link costs","samples by class"\n${nodes}`)).toEqual({
      ...parseNodes('nodes.csv', `# columns\n${nodes}`),
    });
  });

  it('names everything that is wrong, with its line', () => {
    const text =
      'g,global-aggregator,,0:3\n?,client\nc,boss\nd,client,g:-1,0:1.5\ne,client,g,0:1,more\nf,client,g:1;g:2,';
    expect(problemsOf(text).split('\n')).toEqual([
      'nodes.csv:1:1: node "g": has samples, and a global-aggregator trains nothing',
      'nodes.csv:2:1: expected the name of a node (a letter or digit, then also ".", "_", "-"; at most 63), got "?"',
      'nodes.csv:3:1: node "c": expected one of global-aggregator, aggregator, client, got "boss"',
      'nodes.csv:4:1: node "d": expected name:cost, got "g:-1"',
      'nodes.csv:4:1: node "d": expected name:number of samples, got "0:1.5"',
      'nodes.csv:5:1: expected id,role,"costs","samples", got 5 columns',
      'nodes.csv:5:1: node "e": expected name:cost, got "g"',
      'nodes.csv:6:1: node "f": a client without samples has nothing to learn from',
      'nodes.csv:6:1: node "f": no such node: "g:1;g"',
    ]);
  });

  it('has names that a topic can hold', () => {
    for (const odd of ['a/b', '+', 'a+', '-a', '_a', 'é', 'a'.repeat(64)]) {
      expect(problemsOf(`${odd},global-aggregator\nc,client,,0:1`)).toContain('expected the name of a node');
    }
  });

  it('names what is wrong between the nodes', () => {
    expect(problemsOf('a,aggregator,x:1\na,client,a:1,0:1')).toBe(
      [
        'nodes.csv: no node is the global-aggregator',
        'nodes.csv:1:1: node "a": no such node: "x"',
        'nodes.csv:2:1: node "a" is there already',
      ].join('\n'),
    );
    expect(problemsOf('')).toContain('no node is a client');
    expect(problemsOf('"a,client\n')).toContain('nodes.csv:1:1: not valid CSV');
  });
});
