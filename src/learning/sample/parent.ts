// The way to where a node gets models from and gives them back; it is tried again until it is there.

import { setTimeout as delay } from 'node:timers/promises';
import { decodeWeights, encodeWeights } from './weights.ts';

const AGAIN_MS = 300;

/** A model as it is handed out. */
export interface Model {
  readonly weights: Float64Array;
  readonly round: number;
  readonly version: number;
}

/** The aggregator of a node. */
export class Parent {
  readonly #url: string;
  readonly #node: string;

  constructor(place: string, node: string) {
    this.#url = `http://${place}/model`;
    this.#node = node;
  }

  /** Waits for a model other than this one. */
  async next(after: number): Promise<Model> {
    for (;;) {
      const model = await this.#ask(after).catch(() => null);
      if (model !== null && model.version !== after) return model;
      if (model === null) await delay(AGAIN_MS);
    }
  }

  /** Gives back what was trained; one that came too late is dropped. */
  async give(
    weights: Float64Array,
    { version, samples }: { readonly version: number; readonly samples: number },
  ): Promise<void> {
    const query = new URLSearchParams({ node: this.#node, version: String(version), samples: String(samples) });
    for (;;) {
      try {
        const response = await fetch(`${this.#url}?${query}`, {
          method: 'POST',
          body: new Uint8Array(encodeWeights(weights)),
        });
        await response.arrayBuffer();
        return;
      } catch {
        await delay(AGAIN_MS);
      }
    }
  }

  async #ask(after: number): Promise<Model | null> {
    const response = await fetch(`${this.#url}?after=${after}`);
    const weights = decodeWeights(Buffer.from(await response.arrayBuffer()));
    if (typeof weights === 'string') return null;
    const header = (name: string): number => Number(response.headers.get(name));
    return { weights, round: header('x-fl-round'), version: header('x-fl-version') };
  }
}
