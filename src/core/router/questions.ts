// What was asked where the answer was odd: a 404 to a client that asks for what does not exist says nothing of the instance, not even
// where chance, or a client that asks in turns, brings such questions to one instance alone. A question that was answered oddly is
// known for a while by a hash of its client, method and path. Its next ones go to other instances, a few: what those answer shows whose
// doing it is. Until then nothing is held against any of them; where no other can be asked, all odd answers are looked at together again.

/** No question: nothing is known of it. */
export const NO_QUESTION = 0;

/** Known at the most; the one that was answered oddly the longest ago leaves first. */
const QUESTIONS_MAX = 128;
/** A question is known for this long after its last odd answer. */
const KNOWN_MS = 60_000;
/** Answers of the others by which it is known whose doing it is. */
const OPINIONS = 4;
/** Requests that are sent to the others for that: some end without an opinion, or are on their way when there are enough. */
const PASSED_MAX = 2 * OPINIONS;
/** Odd answers to a question that are held back at most while opinions are missing. */
const HELD_MAX = 8;
/** Instances whose answers are counted apart. */
const INSTANCES_MAX = 32;
/** Answers of one instance that count. */
const ANSWERS_MAX = 64;

interface Counts {
  answers: number;
  odd: number;
}

interface Known {
  readonly byHandle: Map<number, Counts>;
  /** The kind of the odd answers. */
  readonly column: number;
  lastMs: number;
  held: number;
  passed: number;
}

/** What causes an odd answer: the `question`, since the others answer it alike; the `instance`, as far as is known; or it is `open`. */
export type OddCause = 'question' | 'instance' | 'open';

export class Questions {
  readonly #known = new Map<number, Known>();
  /** When an answer was odd last. */
  #oddMs = Number.NEGATIVE_INFINITY;
  /** Whether an answer was odd of late; if not, what is asked does not matter. */
  any = false;

  /** An instance left, or its handle means another one. */
  forget(handle: number): void {
    for (const { byHandle } of this.#known.values()) byHandle.delete(handle);
  }

  clear(): void {
    this.#known.clear();
    this.any = false;
  }

  /** A proper answer, or one that is a failure in any case. */
  answered(question: number, handle: number, nowMs: number): void {
    this.#expire(nowMs);
    const known = this.#known.get(question);
    if (known !== undefined) count(known, handle, false);
  }

  /** An odd answer of the kind `column`. */
  odd(
    question: number,
    { handle, column }: { readonly handle: number; readonly column: number },
    nowMs: number,
  ): OddCause {
    this.#expire(nowMs);
    this.#oddMs = nowMs;
    this.any = true;
    if (question === NO_QUESTION) return 'instance';
    const known = this.#remembered(question, column, nowMs);
    const own = count(known, handle, known.column === column);
    if (known.column !== column) return 'instance';
    const { answers, isProper } = othersOf(known, handle);
    if (isProper) return 'instance';
    if (answers >= OPINIONS) return 'question';
    // One that was never asked before may be the first of many that are all different.
    return own >= 2 && known.held++ < HELD_MAX ? 'open' : 'instance';
  }

  /** The instance that is not to be asked this once more, so that others say what they make of it; null: any may be asked. */
  asked(question: number): number | null {
    const known = this.#known.get(question);
    if (known === undefined || known.held === 0 || known.held >= HELD_MAX || known.passed >= PASSED_MAX) return null;
    for (const [handle, { odd }] of known.byHandle) {
      if (odd === 0) continue;
      const { answers, isProper } = othersOf(known, handle);
      if (!isProper && answers < OPINIONS) return handle;
    }
    return null;
  }

  /** A request is sent past the instance that `asked` names. */
  pass(question: number): void {
    const known = this.#known.get(question);
    if (known !== undefined) known.passed++;
  }

  #remembered(question: number, column: number, nowMs: number): Known {
    const known = this.#known.get(question) ?? { byHandle: new Map(), column, lastMs: nowMs, held: 0, passed: 0 };
    known.lastMs = nowMs;
    this.#known.delete(question);
    this.#known.set(question, known);
    if (this.#known.size > QUESTIONS_MAX) this.#forgetOldest();
    return known;
  }

  #expire(nowMs: number): void {
    if (nowMs - this.#oddMs > KNOWN_MS) this.clear();
    for (const [question, { lastMs }] of this.#known) {
      if (nowMs - lastMs <= KNOWN_MS) return;
      this.#known.delete(question);
    }
  }

  #forgetOldest(): void {
    for (const question of this.#known.keys()) {
      this.#known.delete(question);
      return;
    }
  }
}

/** Hash of what was asked; never `NO_QUESTION`. `target` counts up to a `?`; of each text 256 characters count (FNV-1a). */
export function questionOf(client: string, method: string, target: string): number {
  let hash = mixed(mixed(0x811c9dc5, client), method);
  const end = target.indexOf('?');
  hash = mixed(hash, end < 0 ? target : target.slice(0, end));
  return hash >>> 0 || 1;
}

function mixed(seed: number, text: string): number {
  let hash = Math.imul(seed ^ 0x0a, 0x01000193);
  for (let i = 0; i < text.length && i < 256; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/** Returns how often the instance has answered it oddly. */
function count({ byHandle }: Known, handle: number, isOdd: boolean): number {
  let counts = byHandle.get(handle);
  if (counts === undefined) {
    if (byHandle.size >= INSTANCES_MAX) return 0;
    counts = { answers: 0, odd: 0 };
    byHandle.set(handle, counts);
  }
  if (counts.answers >= ANSWERS_MAX) {
    counts.answers /= 2;
    counts.odd /= 2;
  }
  counts.answers++;
  if (isOdd) counts.odd++;
  return counts.odd;
}

/** `isProper`: one of them answers it properly as often as not, or more. */
function othersOf({ byHandle }: Known, handle: number): { readonly answers: number; readonly isProper: boolean } {
  let sum = 0;
  let isProper = false;
  for (const [one, { answers, odd }] of byHandle) {
    if (one === handle) continue;
    sum += answers;
    isProper ||= 2 * odd <= answers;
  }
  return { answers: sum, isProper };
}
