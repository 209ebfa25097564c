import { expect, it } from 'vitest';
import { crowded, spillFigures } from '../bench/spill-over.ts';

it('an edge at twice its capacity answers in less than half the mean time when it cooperates', () => {
  const scenario = crowded(2, 40_000);
  const alone = spillFigures(scenario, 'cooperative:spill=false');
  const together = spillFigures(scenario, 'cooperative');
  expect(together.meanMs).toBeLessThan(alone.meanMs / 2);
  expect(together.successRatio).toBeGreaterThan(0.9);
  expect(alone.successRatio).toBeLessThan(0.3);
});
