// Every two seconds this node says what all of its event loops saw of each service, and looks which nodes are near enough to be heard.
// Until it first says something it looks more often: what neighbours know is worth most to one that has just begun.

import type { NeighboursConfig } from '../config/config.ts';
import type { Summary } from '../core/neighbours/summary.ts';

export interface NeighbourExchangeOptions {
  /** What was seen since it was asked last, by service. */
  readonly takeSummaries: () => ReadonlyMap<string, Summary>;
  readonly exchange: (summaries: ReadonlyMap<string, Summary>) => void;
}

const TURN_MS = 2_000;
/** Of a turn, how often a beginner looks. */
const LOOKS = 8;
const NOTHING: ReadonlyMap<string, Summary> = new Map();

export class NeighbourExchange {
  readonly #options: NeighbourExchangeOptions;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: NeighbourExchangeOptions) {
    this.#options = options;
  }

  /** As started, or as reloaded. */
  configure({ mode }: NeighboursConfig): void {
    if (mode === 'off') this.stop();
    else if (this.#timer === null) this.#look(LOOKS - 1);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #look(times: number): void {
    this.#timer = setTimeout(() => {
      if (times === 0) {
        this.#timer = setInterval(() => this.#turn(), TURN_MS).unref();
        this.#turn();
      } else {
        this.#options.exchange(NOTHING);
        this.#look(times - 1);
      }
    }, TURN_MS / LOOKS).unref();
  }

  #turn(): void {
    this.#options.exchange(this.#options.takeSummaries());
  }
}
