// Which of several brokers is tried next, in which version of MQTT, and after what pause: the brokers in turn, MQTT 5 first and 3.1.1
// where 5 is not spoken, with jittered back-off between rounds. Pure.

import type { Rng } from '../../core/rng.ts';
import { backoffMs } from '../backoff.ts';
import type { ProtocolVersion } from './client-options.ts';

/** A connection that held this long was a good one: the first broker is tried first again, and back-off starts over. */
const STABLE_MS = 10_000;
/** MQTT 3.1.1 table 3.1 return code 1, and MQTT 5 reason 0x84: unsupported protocol version. */
const UNSUPPORTED_VERSION: readonly unknown[] = [1, 0x84];

export class BrokerRotation {
  readonly #urls: readonly string[];
  readonly #rng: Rng;
  /** The version of each that does not speak MQTT 5. */
  readonly #versions = new Map<string, ProtocolVersion>();
  /** Connections since one held that did not hold, or were not made. */
  #failures = 0;

  constructor(urls: readonly string[], rng: Rng) {
    this.#urls = urls;
    this.#rng = rng;
  }

  /** The broker in use, or tried next. */
  get url(): string {
    return this.#urls[this.#failures % this.#urls.length] ?? '';
  }

  /** The version of MQTT in which `url` is spoken to. */
  get version(): ProtocolVersion {
    return this.#versions.get(this.url) ?? 5;
  }

  /** The connection to `url` held for so long, ms; 0: it was not made. Returns how long to wait before the next one, ms. */
  moveOn(heldMs: number): number {
    this.#failures = heldMs >= STABLE_MS ? 0 : this.#failures + 1;
    const rounds = Math.floor(this.#failures / this.#urls.length);
    return backoffMs(this.#failures % this.#urls.length === 0 ? rounds : 0, this.#rng);
  }

  /**
   * A broker that does not speak MQTT 5 says so, or just hangs up: then 3.1.1 is tried, and kept for that broker until it is refused as
   * well. `failure` null: it hung up. True: `url` is to be asked at once in 3.1.1.
   */
  changeVersion(failure: unknown): boolean {
    const code = failure instanceof Error && 'code' in failure ? failure.code : null;
    if (failure !== null && !UNSUPPORTED_VERSION.includes(code)) return false;
    const { url, version } = this;
    this.#versions.set(url, version === 5 ? 4 : 5);
    return version === 5;
  }
}
