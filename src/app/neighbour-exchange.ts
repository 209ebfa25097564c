// Every half second this node says what is due of what all of its event loops saw of each service: an instance that got slow is news that
// does not wait. Every two seconds it looks which nodes are near enough to be heard. In its first two seconds it says nothing, since
// those that start together would follow one another, and looks more often: what neighbours know is worth most to one that has just begun.

import type { Config } from '../config/config.ts';
import type { Summary } from '../core/neighbours/summary.ts';

export interface NeighbourExchangeOptions {
  /** What was seen since it was asked last, by service. */
  readonly takeSummaries: () => ReadonlyMap<string, Summary>;
  /** Says what is due, and listens to those that are near now. */
  readonly exchange: (summaries: ReadonlyMap<string, Summary>) => void;
  /** Says what is due. */
  readonly say: (summaries: ReadonlyMap<string, Summary>) => void;
}

const TURN_MS = 2_000;
/** Looks in a turn at first. */
const LOOKS = 8;
/** How often in a turn what is due is said. */
const WORDS = 4;
const NOTHING: ReadonlyMap<string, Summary> = new Map();

export class NeighbourExchange {
  readonly #options: NeighbourExchangeOptions;
  #timer: NodeJS.Timeout | null = null;
  /** How often it spoke. */
  #words = 0;

  constructor(options: NeighbourExchangeOptions) {
    this.#options = options;
  }

  /** As started, or as reloaded. Without a broker there is no way to reach them. */
  configure({ neighbours, mqtt }: Pick<Config, 'neighbours' | 'mqtt'>): void {
    if (neighbours.mode === 'off' || mqtt === null) this.stop();
    else if (this.#timer === null) this.#look(LOOKS - 1);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #look(times: number): void {
    this.#timer = setTimeout(() => {
      if (times === 0) {
        this.#words = 0;
        this.#timer = setInterval(() => this.#speak(), TURN_MS / WORDS).unref();
        this.#speak();
      } else {
        this.#options.exchange(NOTHING);
        this.#look(times - 1);
      }
    }, TURN_MS / LOOKS).unref();
  }

  #speak(): void {
    const { exchange, say, takeSummaries } = this.#options;
    const summaries = takeSummaries();
    if (this.#words++ % WORDS === 0) exchange(summaries);
    else say(summaries);
  }
}
