// How a canary runs: how many inputs at each door, from which seed, and what may leave a door.

import fc from 'fast-check';

/** From `CANARY_INPUTS`, else `otherwise`. */
export const inputsOr = (otherwise: number): number => Number(process.env.CANARY_INPUTS ?? otherwise);
export const SEED = Number(process.env.CANARY_SEED ?? Date.now() % 2 ** 31);

/** A failure names its seed; the inputs themselves would fill a screen. */
export const runs = <Input>(numRuns: number): fc.Parameters<Input> => ({
  numRuns,
  seed: SEED,
  endOnFailure: true,
  reporter: ({ failed, seed, numRuns: done, errorInstance }: fc.RunDetails<Input>) => {
    if (failed) throw new Error(`seed ${seed}, after ${done} runs`, { cause: errorInstance });
  },
});

/** No error at all may leave the door. */
export class Nothing extends Error {}

/** Gives `take` all of the inputs; what it throws must be what the door names. */
export function takesOrRefuses<Input>(
  { inputs, numRuns }: { readonly inputs: fc.Arbitrary<Input>; readonly numRuns: number },
  take: (input: Input) => void,
  named: abstract new (...args: never[]) => Error,
): void {
  fc.assert(
    fc.property(inputs, (input) => {
      try {
        take(input);
      } catch (error) {
        if (!(error instanceof named)) throw error;
      }
    }),
    runs(numRuns),
  );
}
