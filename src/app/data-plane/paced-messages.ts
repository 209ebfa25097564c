// Messages to the data planes, at the pace that traffic bears. A snapshot, a reload or the end of a grace period may change
// thousands of instances at once, each of which costs its router some 0.1 ms.

import { LoopShare } from '../../net/loop-share.ts';
import type { ControlMessage } from './control-message.ts';

/** Kinds of which there may be thousands, and what has to stay behind them. Those that may overtake are not here. */
const PACED: ReadonlySet<ControlMessage['kind']> = new Set(['placement', 'placement-known', 'node-gone']);

/** Applies messages in slices, so that thousands of them leave turns of the event loop to requests. */
export class PacedMessages {
  readonly #apply: (message: ControlMessage) => void;
  readonly #share = new LoopShare(() => this.#goOn());
  #waiting: ControlMessage[] = [];

  /** `apply` is called for each message, in their order as far as it matters. */
  constructor(apply: (message: ControlMessage) => void) {
    this.#apply = apply;
  }

  /** At once, unless too much came before in this turn of the event loop. */
  send(message: ControlMessage): void {
    if (!PACED.has(message.kind)) {
      // What was learned belongs to instances that have to be there.
      if (message.kind === 'start') this.flush();
      this.#apply(message);
    } else if (this.#waiting.length > 0 || this.#share.usedUp) {
      this.#waiting.push(message);
      this.#share.wait();
    } else {
      this.#applyPaced(message);
    }
  }

  /** All that waits, now. */
  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) this.#apply(message);
  }

  #goOn(): void {
    let done = 0;
    for (const message of this.#waiting) {
      if (this.#share.usedUp) break;
      this.#applyPaced(message);
      done++;
    }
    this.#waiting = this.#waiting.slice(done);
    if (this.#waiting.length > 0) this.#share.wait();
  }

  #applyPaced(message: ControlMessage): void {
    const startMs = performance.now();
    this.#apply(message);
    this.#share.use(performance.now() - startMs);
  }
}
