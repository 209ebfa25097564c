// Which of several controllers has a task: one claim wins. Pure: what is heard and the time in, what to do out.
//
// A claim is retained, and its controller's last will clears it. A controller that finds none waits a moment, claims with the next
// term, and has the task once its own claim came back from the broker and stood for a moment. Of two claims the higher term wins, then
// the lower id: both hear both, and so agree, in any order. A holder whose claim is cleared says it again: the last will of another
// controller, one that only waited, clears the topic as well.
//
// A broker that loses power together with the holder forgets the last will and keeps the claim. So a holder repeats its claim all the
// time, and one that is not repeated is no claim. A holder that was stopped itself may have lost its task meanwhile: it says its claim
// again, and has the task once more when that came back, behind all that was said while it did not hear.

import { type Claim, COUNT_MAX } from '../messages/payloads.ts';

/** A topic found empty may be about to be filled again by its holder, ms. */
const VACANT_MS = 1_000;
/** A claim that another controller made at the same time is heard by then, ms. */
const UNDISPUTED_MS = 500;
/** A holder repeats its claim this often, ms. */
const REPEAT_MS = 2_000;
/** A claim that was not repeated for this long has no holder, ms: longer than a last will takes where it comes. */
const SILENT_MS = 10_000;
/** A controller that did not get to run for this long has claims yet to hear, ms. */
const STALL_MS = 1_000;

/** What is to be done: publish the own claim, begin as the holder, or leave the task to the other. */
export type ClaimAction = 'publish' | 'begin' | 'yield';

type ClaimState =
  /** Nothing is known: not connected. */
  | { readonly kind: 'away' }
  | { readonly kind: 'vacant'; readonly sinceMs: number }
  /** Another has it. */
  | { readonly kind: 'waiting'; readonly holder: Claim; readonly heardMs: number; readonly isRepeated: boolean }
  | { readonly kind: 'claiming' }
  | { readonly kind: 'holding'; readonly sinceMs: number; readonly saidMs: number };

/** One controller: what it knows of the claim. */
export class Claimant {
  readonly #id: string;
  #state: ClaimState = { kind: 'away' };
  #term = 0;
  #tickMs = Number.NEGATIVE_INFINITY;
  /** Has begun, and not yielded since: a lost connection alone ends nothing. */
  #begun = false;

  constructor(id: string) {
    this.#id = id;
  }

  /** The claim to publish. */
  get claim(): Claim {
    return { id: this.#id, term: this.#term };
  }

  /** Whether this controller may change anything now. */
  get isHolding(): boolean {
    return this.#begun && this.#state.kind === 'holding';
  }

  /** Whether this controller's claim may stand on the topic: it is to be cleared when the controller goes. */
  get isClaimed(): boolean {
    return this.#state.kind === 'claiming' || this.#state.kind === 'holding';
  }

  /** The claim of the controller that has the task, where it is another. */
  get holder(): Claim | null {
    return this.#state.kind === 'waiting' ? this.#state.holder : null;
  }

  /** Whether that controller has given a sign of life since; its claim alone may be what is left of it. */
  get isHolderAlive(): boolean {
    return this.#state.kind === 'waiting' && this.#state.isRepeated;
  }

  /** Subscribed to the topic; what is retained there comes after it. */
  connected(nowMs: number): readonly ClaimAction[] {
    if (!this.#begun) {
      this.#state = { kind: 'vacant', sinceMs: nowMs };
      return [];
    }
    this.#state = { kind: 'claiming' };
    return ['publish'];
  }

  disconnected(): void {
    this.#state = { kind: 'away' };
  }

  /** @param claim null: the topic was cleared */
  heard(claim: Claim | null, nowMs: number): readonly ClaimAction[] {
    if (this.#state.kind === 'away') return [];
    const isOurs = this.isClaimed;
    if (claim === null) {
      if (isOurs) return ['publish'];
      this.#state = { kind: 'vacant', sinceMs: nowMs };
      return [];
    }
    if (claim.id === this.#id) {
      // An own claim of an earlier term may come late; it means nothing.
      if (this.#state.kind === 'claiming' && claim.term === this.#term) {
        this.#state = { kind: 'holding', sinceMs: nowMs, saidMs: nowMs };
      }
      return [];
    }
    if (isOurs && !outranks(claim, this.claim)) return ['publish'];
    this.#term = Math.max(this.#term, claim.term);
    this.#state = { kind: 'waiting', holder: claim, heardMs: nowMs, isRepeated: this.holder?.id === claim.id };
    if (!this.#begun) return [];
    this.#begun = false;
    return ['yield'];
  }

  tick(nowMs: number): readonly ClaimAction[] {
    const state = this.#state;
    const stalled = nowMs - this.#tickMs > STALL_MS;
    this.#tickMs = nowMs;
    if (state.kind === 'vacant' && nowMs - state.sinceMs >= VACANT_MS) return this.#claimNext();
    if (state.kind === 'waiting' && stalled) this.#state = { ...state, heardMs: nowMs };
    else if (state.kind === 'waiting' && nowMs - state.heardMs >= SILENT_MS) return this.#claimNext();
    if (state.kind !== 'holding') return [];
    if (stalled) {
      this.#state = { kind: 'claiming' };
      return ['publish'];
    }
    if (!this.#begun && nowMs - state.sinceMs >= UNDISPUTED_MS) {
      this.#begun = true;
      return ['begin'];
    }
    if (nowMs - state.saidMs < REPEAT_MS) return [];
    this.#state = { ...state, saidMs: nowMs };
    return ['publish'];
  }

  #claimNext(): readonly ClaimAction[] {
    this.#state = { kind: 'claiming' };
    // After the last term comes the first: a claim with the highest one, from wherever, keeps no later controller away.
    this.#term = this.#term >= COUNT_MAX ? 1 : this.#term + 1;
    return ['publish'];
  }
}

function outranks(a: Claim, b: Claim): boolean {
  return a.term > b.term || (a.term === b.term && a.id < b.id);
}
