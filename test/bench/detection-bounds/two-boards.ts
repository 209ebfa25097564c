// How quick, or how sparing, any policy could be that picks between a quick, sparing board and a slow, accurate one: users in a closed
// loop, thinking for an exponential time, boards that take frames in their order and a time of Erlang's law for each. A policy may know
// everything, how far each frame is among it. What it spends is fixed by the share of the frames that go to the slow board, at most f:
//
//   max X  subject to  X_slow ≤ f·X   is at most   min over μ ≥ 0 of max (X − μ·(X_slow − f·X))
//
// X are the answers per second (weak duality). The inner problem is a Markov decision process, solved by value iteration (Puterman, Markov
// Decision Processes, 1994, chapter 8).

/** Two boards and who asks them. */
export interface TwoBoards {
  readonly users: number;
  readonly thinkS: number;
  /** Quick, slow. */
  readonly workS: readonly [number, number];
}

/** Whether the next frame goes to the slow board, as a probability, by how many frames are at each. */
export type Rule = (atQuick: number, atSlow: number) => number;

export interface Fixed {
  readonly answersPerS: number;
  readonly slowShare: number;
}

/** Stages of a frame's work: a coefficient of variation of 0.5. */
const STAGES = 4;
/** An answer per second for each that goes to the slow board, and more. */
const MU_MAX = 3;
const PRECISION = 1e-6;
const ITERATIONS_MAX = 20_000;

/** What a rule comes to. */
export function outcomeOf(boards: TwoBoards, rule: Rule): Fixed {
  const answersPerS = gain(boards, { quick: 1, slow: 1 }, rule);
  return { answersPerS, slowShare: gain(boards, { quick: 0, slow: 1 }, rule) / answersPerS };
}

/** No policy has more answers per second that sends at most this share of them to the slow board. */
export function mostAnswersPerS(boards: TwoBoards, slowShare: number): number {
  return -highest((mu) => -gain(boards, { quick: 1 + mu * slowShare, slow: 1 + mu * slowShare - mu }, null));
}

/** No policy sends less than this share to the slow board that has so many answers per second: X − μ·X_slow ≤ G for each μ. */
export function leastSlowShare(boards: TwoBoards, answersPerS: number): number {
  const least = (mu: number): number =>
    (answersPerS - gain(boards, { quick: 1, slow: 1 - mu }, null)) / (mu * answersPerS);
  return Math.max(0, highest(least));
}

/** Over μ, of what has one peak: by golden section. */
function highest(of: (mu: number) => number): number {
  const golden = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [0, MU_MAX];
  let [a, b] = [high - golden * (high - low), low + golden * (high - low)];
  let [atA, atB] = [of(a), of(b)];
  for (let narrowing = 0; narrowing < 16; narrowing++) {
    if (atA > atB) {
      [high, b, atB] = [b, a, atA];
      a = high - golden * (high - low);
      atA = of(a);
    } else {
      [low, a, atA] = [a, b, atB];
      b = low + golden * (high - low);
      atB = of(b);
    }
  }
  return Math.max(atA, atB);
}

/** Reward per second, of the rule or, for null, of the best there is; a reward for each frame that is sent to either board. */
function gain(
  { users, thinkS, workS }: TwoBoards,
  reward: { readonly quick: number; readonly slow: number },
  rule: Rule | null,
): number {
  // Stages that are left at each board; a frame that is sent adds its own.
  const size = users * STAGES + 1;
  const stageRates = workS.map((work) => STAGES / work) as [number, number];
  const clock = users / thinkS + stageRates[0] + stageRates[1];
  let values = new Float64Array(size * size);
  let next = new Float64Array(size * size);
  for (let iteration = 0; iteration < ITERATIONS_MAX; iteration++) {
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let quick = 0; quick < size; quick++) {
      for (let slow = 0; slow < size; slow++) {
        const atQuick = Math.ceil(quick / STAGES);
        const atSlow = Math.ceil(slow / STAGES);
        if (atQuick + atSlow > users) break;
        const at = quick * size + slow;
        const here = values[at] as number;
        const thinking = (users - atQuick - atSlow) / thinkS;
        let sum = 0;
        if (thinking > 0) {
          const byQuick = reward.quick + (values[at + STAGES * size] as number);
          const bySlow = reward.slow + (values[at + STAGES] as number);
          const chance = rule === null ? Number(bySlow > byQuick) : rule(atQuick, atSlow);
          sum += thinking * ((1 - chance) * byQuick + chance * bySlow - here);
        }
        if (quick > 0) sum += stageRates[0] * ((values[at - size] as number) - here);
        if (slow > 0) sum += stageRates[1] * ((values[at - 1] as number) - here);
        next[at] = here + sum / clock;
        if (sum < least) least = sum;
        if (sum > most) most = sum;
      }
    }
    [values, next] = [next, values];
    if (most - least < PRECISION * Math.max(1, Math.abs(most))) return (most + least) / 2;
  }
  throw new Error(`no convergence within ${ITERATIONS_MAX} iterations`);
}
