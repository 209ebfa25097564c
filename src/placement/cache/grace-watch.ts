// The hosts with a grace period running: the only ones that time alone changes. A node that something speaks against is looked
// at more often, for answers of its instances to requests: what answers is alive.

import type { InstanceKey } from '../../core/domain.ts';
import type { GraceClock } from './grace-clock.ts';
import type { Host } from './records.ts';

/** While something speaks against a node, answers of its instances are looked for this often, ms. */
const LOOK_MS = 1_000;

export class GraceWatch {
  readonly #grace: GraceClock;
  readonly #answeredMs: ((service: string, key: InstanceKey) => number) | null;
  /** The grace time to look at each next. */
  readonly #due = new Map<Host, number>();
  /** None is due before; exact after each `due`, since a search with each message would cost the square of the hosts. */
  #firstMs = Number.POSITIVE_INFINITY;

  /** `answeredMs`: when an instance last answered a request, as real time, -Infinity when it never did; null: no request is made. */
  constructor(grace: GraceClock, answeredMs: ((service: string, key: InstanceKey) => number) | null) {
    this.#grace = grace;
    this.#answeredMs = answeredMs;
  }

  /** Notes when to look at the host next: at the end of a grace period, or for answers of its instances. */
  schedule(host: Host, nodeGraceMs: number, nowMs: number): void {
    const graceMs = this.#grace.at(nowMs);
    const starts = [host.lost, host.missing].map((moment) =>
      moment === null ? Number.NEGATIVE_INFINITY : Math.max(moment.atMs, host.signMs),
    );
    const ends = [...starts, host.bootAtMs].map((atMs) => atMs + nodeGraceMs).filter((endMs) => endMs > graceMs);
    const looks = this.#answeredMs !== null && isDoubtful(host) && host.slots.size > 0;
    const dueMs = Math.min(...ends, looks && ends.length > 0 ? graceMs + LOOK_MS : Number.POSITIVE_INFINITY);
    if (Number.isFinite(dueMs)) this.#await(host, dueMs);
    else this.#due.delete(host);
  }

  has(host: Host): boolean {
    return this.#due.has(host);
  }

  /** Hosts to look at by now: each is to be scheduled again. */
  due(nowMs: number): readonly Host[] {
    const graceMs = this.#grace.at(nowMs);
    const hosts: Host[] = [];
    this.#firstMs = Number.POSITIVE_INFINITY;
    for (const [host, dueMs] of this.#due) {
      if (dueMs <= graceMs) hosts.push(host);
      else this.#firstMs = Math.min(this.#firstMs, dueMs);
    }
    return hosts;
  }

  /** When a host may be due next, real time; +Infinity when no grace period runs. */
  get nextMs(): number {
    return this.#grace.realMs(this.#firstMs);
  }

  /** Notes whether an instance of a host that something speaks against has answered meanwhile. */
  look(host: Host, nowMs: number): void {
    if (this.#answeredMs === null || !isDoubtful(host)) return;
    for (const { service, key } of host.slots) {
      host.signMs = Math.max(host.signMs, this.#grace.at(Math.min(nowMs, this.#answeredMs(service, key))));
    }
  }

  #await(host: Host, dueMs: number): void {
    this.#due.set(host, dueMs);
    this.#firstMs = Math.min(this.#firstMs, dueMs);
  }
}

/** Something was heard that speaks against the host. */
function isDoubtful({ lost, missing }: Host): boolean {
  return lost !== null || missing !== null;
}
