// Turns of the event loop, counted while something costly goes on: whether it leaves any to others.

/** Counts from now on. Returns what ends that, with the number of turns so far. */
export function countTurns(): () => number {
  let turns = 0;
  let open = true;
  const count = (): void => {
    turns++;
    if (open) setImmediate(count);
  };
  count();
  return () => {
    open = false;
    return turns;
  };
}
