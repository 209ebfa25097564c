// Idle connections from load balancers to instances. An attempt over a new one pays round trips for the handshake before it sends
// anything; one that was idle for too long is closed. So an instance that is used seldom is slower than one in steady use.

import type { NetworkSpec } from '../scenario.ts';

/** Idle connections by load balancer and instance. */
export class Connections {
  readonly #spec: NetworkSpec['connections'];
  readonly #instances: number;
  /** When each connection became idle, the last used on top; keyed by load balancer and instance. */
  readonly #idle = new Map<number, number[]>();

  constructor(spec: NetworkSpec['connections'], instances: number) {
    this.#spec = spec;
    this.#instances = instances;
  }

  /** Round trips that an attempt pays before its request is on the way: none when a connection is there. */
  take(balancer: number, instance: number, nowMs: number): number {
    const { handshakeRtts } = this.#spec;
    if (handshakeRtts === 0) return 0;
    const idle = this.#idleOf(balancer, instance);
    this.#close(idle, nowMs);
    return idle.pop() === undefined ? handshakeRtts : 0;
  }

  /** The connection of an attempt that was answered waits for the next one. */
  give(balancer: number, instance: number, nowMs: number): void {
    if (this.#spec.handshakeRtts > 0) this.#idleOf(balancer, instance).push(nowMs);
  }

  /** Closes what was idle for too long; `warm` of them are kept open all the time. */
  #close(idle: number[], nowMs: number): void {
    const { warm, idleMs } = this.#spec;
    const fresh = idle.findIndex((sinceMs) => nowMs - sinceMs < idleMs);
    const stale = fresh < 0 ? idle.length : fresh;
    idle.splice(0, Math.max(0, Math.min(stale, idle.length - warm)));
  }

  #idleOf(balancer: number, instance: number): number[] {
    const key = balancer * this.#instances + instance;
    const known = this.#idle.get(key);
    if (known !== undefined) return known;
    const idle = new Array<number>(this.#spec.warm).fill(0);
    this.#idle.set(key, idle);
    return idle;
  }
}
