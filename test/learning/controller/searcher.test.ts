// A search in a thread of its own.

import { expect, it, vi } from 'vitest';
import { find, type Question } from '../../../src/learning/controller/search/find.ts';
import { Searcher } from '../../../src/learning/controller/search/searcher.ts';
import { DEMO_NODES } from '../../../src/learning/demo.ts';
import { parseNodes } from '../../../src/plan/learning/nodes-file.ts';

const QUESTION: Question = {
  current: null,
  nodes: parseNodes('nodes', DEMO_NODES),
  request: { strategy: 'min-kld', modelMb: 10, budget: 600, search: 'least', seed: 1 },
  remaining: { rounds: null, units: null },
};

it('a search finds in its thread what it finds here, and none holds up its caller', async () => {
  const searcher = new Searcher((error) => expect.fail(error.message));
  expect(searcher.find(QUESTION)).toBeNull();
  // Another question takes the place of the first.
  const other = { ...QUESTION, request: { ...QUESTION.request, budget: 700 } };
  expect(searcher.find(other)).toBeNull();
  await vi.waitFor(() => expect(searcher.find(other)).toEqual(find(other)), 30_000);
  searcher.stop();
});
