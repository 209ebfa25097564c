// Every two seconds this node says what all of its event loops saw of each service, and looks which nodes are near enough to be heard.

import type { NeighboursConfig } from '../config/config.ts';
import type { Summary } from '../core/neighbours/summary.ts';

export interface NeighbourExchangeOptions {
  /** What was seen since it was asked last, by service. */
  readonly takeSummaries: () => ReadonlyMap<string, Summary>;
  readonly exchange: (summaries: ReadonlyMap<string, Summary>) => void;
}

const TURN_MS = 2_000;

export class NeighbourExchange {
  readonly #options: NeighbourExchangeOptions;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: NeighbourExchangeOptions) {
    this.#options = options;
  }

  /** As started, or as reloaded. */
  configure({ mode }: NeighboursConfig): void {
    if (mode === 'off') this.stop();
    else this.#timer ??= setInterval(() => this.#turn(), TURN_MS).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #turn(): void {
    this.#options.exchange(this.#options.takeSummaries());
  }
}
