// A search in a thread of its own, where it is long.

import { expect, it, vi } from 'vitest';
import { find, type Question } from '../../../src/learning/controller/search/find.ts';
import { Searcher } from '../../../src/learning/controller/search/searcher.ts';
import { DEMO_NODES } from '../../../src/learning/demo.ts';
import { parseNodes } from '../../../src/plan/learning/nodes-file.ts';

const D13 = parseNodes('nodes', DEMO_NODES);
const FEW: Question = {
  current: null,
  nodes: D13,
  request: { strategy: 'min-kld', modelMb: 10, budget: 6_000, search: 'least', seed: 1 },
  remaining: { rounds: null, units: null },
};
const MANY: Question = {
  ...FEW,
  nodes: { ...D13, clients: [0, 1, 2].flatMap((k) => D13.clients.map((node) => ({ ...node, id: `${node.id}-${k}` }))) },
};

it('a search among few clients is over at once', () => {
  const searcher = new Searcher((error) => expect.fail(error.message));
  expect(searcher.find(FEW)).toEqual(find(FEW));
});

it('a search among many holds up nothing, and finds in its thread what it finds here', async () => {
  const searcher = new Searcher((error) => expect.fail(error.message));
  expect(searcher.find({ ...MANY })).toBeNull();
  // Another question takes the place of the first.
  expect(searcher.find(MANY)).toBeNull();
  await vi.waitFor(() => expect(searcher.find(MANY)).toEqual(find(MANY)), 30_000);
  searcher.stop();
});
