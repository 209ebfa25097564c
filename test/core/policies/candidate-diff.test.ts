import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../src/core/domain.ts';
import { CandidateDiff } from '../../../src/core/policies/candidate-diff.ts';
import { candidateAt } from '../candidates.ts';

describe('candidateDiff', () => {
  it('reports exactly which candidates came and whose handle was given up, in any order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.tuple(fc.nat({ max: 7 }), fc.boolean()), { maxLength: 8 }), { maxLength: 12 }),
        (looks) => {
          const candidateDiff = new CandidateDiff();
          const alive = new Map<number, Candidate>();
          for (const changes of looks) {
            const before = new Map(alive);
            for (const [handle, present] of changes) {
              if (present) alive.set(handle, candidateAt(handle));
              else alive.delete(handle);
            }
            const change = candidateDiff.sync([...alive.values()]);
            const left = [...before]
              .filter(([handle, candidate]) => alive.get(handle) !== candidate)
              .map(([handle]) => handle);
            const joined = [...alive.values()].filter((candidate) => before.get(candidate.handle) !== candidate);
            expect([...change.left].sort()).toEqual(left.sort());
            expect(new Set(change.joined)).toEqual(new Set(joined));
            expect(new Set(candidateDiff)).toEqual(new Set(alive.values()));
          }
        },
      ),
    );
  });
});
