// The time in which the first placement is waited for: until the broker and every source have said what they know, and for
// `placement.wait` at most.

import type { Config } from '../config/config.ts';
import { wantedSources } from './source/sources.ts';

export class FirstKnowledge {
  readonly #onKnown: (services: readonly string[]) => void;
  #services: readonly string[] = [];
  #timer: NodeJS.Timeout | null = null;

  /** `onKnown`: once for each `wait`, when it is over, with the services that it was for. */
  constructor(onKnown: (services: readonly string[]) => void) {
    this.#onKnown = onKnown;
  }

  /** Gives the broker, and own checks, time to say where services run. */
  wait(config: Config): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const { mqtt, announce, placement, services } = config;
    this.#services = services.map(({ name }) => name);
    const waits = mqtt !== null || announce.length > 0 || wantedSources(config).length > 0;
    this.#timer = setTimeout(() => this.end(), waits ? placement.waitMs : 0).unref();
  }

  /** All is known by now, or nothing more will be heard. */
  end(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#onKnown(this.#services);
  }
}
