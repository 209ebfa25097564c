import { describe, expect, it } from 'vitest';
import { Board } from '../../../src/learning/controller/board.ts';

interface Rig {
  readonly board: Board;
  readonly said: (readonly [topic: string, text: string])[];
  /** What a node is given, as another one says it. */
  hear(node: string, text: string): void;
}

function rig(): Rig {
  const said: (readonly [string, string])[] = [];
  const connection = {
    publish: (topic: string, text: string) => {
      said.push([topic, text]);
      return Promise.resolve(true);
    },
  };
  const board = new Board({ connection, prefix: 'q', task: 't', onState: () => {} });
  return { board, said, hear: (node, text) => board.hearPart(node, Buffer.from(text)) };
}

const part = (generation: number): string =>
  JSON.stringify({
    generation,
    role: 'client',
    parent: '10.0.0.1:1',
    children: 0,
    epochs: 1,
    local_rounds: 1,
    round: 0,
  });

describe('the parts of a task', () => {
  it('are said again where a late message of another controller wrote over them, once each time', () => {
    const { board, said, hear } = rig();
    board.parts(
      new Map([
        ['a', part(5)],
        ['b', part(5)],
      ]),
    );
    said.length = 0;
    hear('a', part(5));
    hear('b', part(4));
    hear('b', part(3));
    expect(board.repeat()).toEqual(['b']);
    expect(board.repeat()).toEqual([]);
    expect(said).toEqual([['q/fl/t/nodes/b', part(5)]]);
    hear('b', '');
    hear('b', part(5));
    expect(board.repeat()).toEqual([]);
  });

  it('count for the newest generation where another controller had the task meanwhile', () => {
    const { board, hear } = rig();
    board.parts(new Map([['a', part(5)]]));
    hear('a', part(9));
    hear('a', part(7));
    expect(board.generation).toBe(9);
  });

  it('of the controller that has the task now stay as they are', () => {
    const { board, said, hear } = rig();
    board.parts(new Map([['a', part(5)]]));
    hear('a', part(6));
    board.parts(new Map([['a', part(7)]]));
    said.length = 0;
    expect(board.repeat()).toEqual([]);
    expect(said).toEqual([]);
  });

  it('of earlier controllers are taken back with the next parts, and their generation is known', () => {
    const { board, said, hear } = rig();
    hear('old', part(9));
    hear('odd', 'no part');
    expect(board.generation).toBe(9);
    board.parts(new Map([['a', part(10)]]));
    expect(said).toEqual([
      ['q/fl/t/nodes/old', ''],
      ['q/fl/t/nodes/odd', ''],
      ['q/fl/t/nodes/a', part(10)],
    ]);
  });
});
