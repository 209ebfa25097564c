// What waits for the end of a read. A head is held back for the body that most often comes with it; where the source says that it reads
// and when it has, that costs nothing, and elsewhere one tick of the process.

/** Something that waits. */
export interface Waiting {
  /** What was read has been passed on. */
  endOfRead(): void;
}

/** State of this event loop: what it reads now, and the one thing that waits for the end of that. */
let reading = false;
let waiting: Waiting | null = null;

/** What comes from here to `endRead` is one read; nothing is read within it. */
export function beginRead(): void {
  reading = true;
}

/** Behind `beginRead`, in the same call. */
export function endRead(): void {
  reading = false;
  const one = waiting;
  waiting = null;
  one?.endOfRead();
}

/** `one` is called at the end of what is being read, or of this turn where nothing is. */
export function atEndOfRead(one: Waiting): void {
  if (reading && waiting === null) waiting = one;
  else process.nextTick(endOfRead, one);
}

function endOfRead(one: Waiting): void {
  one.endOfRead();
}
