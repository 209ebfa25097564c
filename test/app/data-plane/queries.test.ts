import { describe, expect, it } from 'vitest';
import { answerTo, mergeDensities } from '../../../src/app/data-plane/queries.ts';
import { createWorld, populate, REQUEST } from '../../core/support.ts';

describe('what a data plane answers', () => {
  it('is what its router would do, and nothing of a service that it does not have', () => {
    const world = createWorld('round-robin');
    populate(world, [1, 10]);
    const routers = new Map([['pilotnet', world.router]]);
    const query = { about: 'preview', service: 'pilotnet', request: REQUEST } as const;
    const answer = answerTo(query, routers, world.nowMs);
    expect(answer).toEqual({
      about: 'preview',
      key: world.request(() => ({ latencyMs: 20 })).key,
      tier: 'policy',
      byChance: false,
    });
    expect(answerTo({ ...query, service: 'other' }, routers, world.nowMs)).toBeNull();
  });

  it('of a density comes with the samples behind it', () => {
    const world = createWorld('qedgeproxy');
    populate(world, [1]);
    for (let i = 0; i < 30; i++) world.request(() => ({ latencyMs: 20 + (i % 5) }));
    const routers = new Map([['pilotnet', world.router]]);
    const query = { about: 'density', service: 'pilotnet', key: 'node-0/a', gridMs: [10, 20, 30] } as const;
    expect(answerTo(query, routers, world.nowMs)).toMatchObject({ samples: 30, density: { length: 3 } });
    expect(answerTo({ ...query, key: 'absent/a' }, routers, world.nowMs)).toBeNull();
  });
});

describe('densities of several data planes', () => {
  it('are averaged by their samples, evenly where none has any', () => {
    const a = { about: 'density', density: [0, 4], samples: 30 } as const;
    const b = { about: 'density', density: [4, 0], samples: 10 } as const;
    expect(mergeDensities([a, b])).toEqual([1, 3]);
    expect(
      mergeDensities([
        { ...a, samples: 0 },
        { ...b, samples: 0 },
      ]),
    ).toEqual([2, 2]);
    expect(mergeDensities([])).toBeNull();
  });
});
