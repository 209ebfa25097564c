// Does a new executable serve its clients as well as the one before did? For each service the share of clients that meet
// their QoS is averaged over the second half of the probation, when the windows hold only what is its own doing.

/** Service name → share of clients that meet their QoS, 0 to 1; services without clients are left out. */
export type QosShares = ReadonlyMap<string, number>;

interface Mean {
  sum: number;
  count: number;
}

export class QosGate {
  readonly #before: QosShares;
  readonly #dropMax: number;
  readonly #means = new Map<string, Mean>();

  /** `before`: what the previous executable had recorded; empty when it recorded nothing, and then nothing is judged. */
  constructor(before: QosShares, dropMax: number) {
    this.#before = before;
    this.#dropMax = dropMax;
  }

  observe(shares: QosShares): void {
    for (const [service, share] of shares) {
      const mean = this.#means.get(service) ?? { sum: 0, count: 0 };
      mean.sum += share;
      mean.count++;
      this.#means.set(service, mean);
    }
  }

  /** Why the new executable is worse, naming the service that lost most; null when it is not. */
  failure(): string | null {
    const drops = [...this.#means].flatMap(([service, { sum, count }]) => {
      const before = this.#before.get(service);
      return before === undefined ? [] : [{ service, before, now: sum / count }];
    });
    const worst = drops.sort((a, b) => b.before - b.now - (a.before - a.now))[0];
    if (worst === undefined || worst.before - worst.now <= this.#dropMax) return null;
    const { service, before, now } = worst;
    return `${service}: ${percent(now)} of the clients met their QoS, ${percent(before)} before`;
  }
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
