// What waits to happen, and the virtual clock: an event is a time, a kind and the one it concerns.

import { createEventQueue } from './event-queue.ts';

/** Kinds of event; what the subject is an index of. */
export const EVENT = {
  /** A client sends (client). */
  emit: 0,
  /** An attempt comes to its instance (slot). */
  arrive: 1,
  /** An instance is done with a job (instance). */
  complete: 2,
  /** An answer is back at the load balancer (slot). */
  reply: 3,
  /** A decision step of a policy (load balancer). */
  tick: 4,
  /** A load balancer measures round trips (load balancer). */
  probe: 5,
  /** The world changes (place in the timeline). */
  change: 6,
  /** A change of placement comes to a load balancer (message). */
  placement: 7,
  /** An instance stands still, and moves again (instance). */
  stall: 8,
  stallEnd: 9,
  /** The oldest attempt may have timed out. */
  timeout: 10,
  progress: 11,
  /** A request of a neighbour on the same processor (instance). */
  neighbour: 12,
  /** A load balancer sends its neighbours what it saw (place), and one of them hears it (message). */
  summary: 13,
  hear: 14,
} as const;

/** One of them. */
export type EventKind = (typeof EVENT)[keyof typeof EVENT];

/** An event is one integer in the queue: the kind in the low bits, its subject above. */
const KIND_BITS = 4;
const KIND_MASK = 2 ** KIND_BITS - 1;

/** The virtual clock and what waits to happen. */
export class Agenda {
  /** The virtual time: that of the event taken last. */
  nowMs = 0;
  kind: EventKind = EVENT.progress;
  subject = 0;
  readonly #queue = createEventQueue();

  /** When the next event is; +Infinity when none waits. */
  get nextMs(): number {
    return this.#queue.nextMs;
  }

  /** +Infinity: it never happens. */
  push(atMs: number, kind: EventKind, subject: number): void {
    if (atMs < Number.POSITIVE_INFINITY) this.#queue.push(atMs, (subject << KIND_BITS) | kind);
  }

  /** Moves on to the next event that is no later than `untilMs`; false when there is none. */
  next(untilMs: number): boolean {
    const queue = this.#queue;
    if (queue.nextMs > untilMs || !queue.pop()) return false;
    this.nowMs = queue.timeMs;
    this.kind = (queue.code & KIND_MASK) as EventKind;
    this.subject = queue.code >>> KIND_BITS;
    return true;
  }
}
