// How many requests may be at one instance: slots, and a short bounded queue in front of them.

import type { Duplex } from 'node:stream';
import type { ServiceLimitsConfig } from '../../config/config.ts';

/** A request in the queue: called once, when a slot is its own or when it waited too long. */
export interface SlotWaiter {
  onSlot(): void;
  onQueueTimeout(): void;
}

interface QueueEntry {
  readonly waiter: SlotWaiter;
  readonly timer: NodeJS.Timeout;
}

export class ConcurrencyLimit {
  readonly #limits: ServiceLimitsConfig;
  readonly #queue: QueueEntry[] = [];
  #inFlight = 0;
  #upgraded = 0;

  constructor(limits: ServiceLimitsConfig) {
    this.#limits = limits;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Takes a slot for one attempt, if one is free. Every slot is given back with `leave`. */
  enter(): boolean {
    if (!this.#hasRoom()) return false;
    this.#inFlight++;
    return true;
  }

  /** Takes a place in the queue for a slot; false when that is full too. */
  wait(waiter: SlotWaiter): boolean {
    const { queueMax, queueTimeoutMs } = this.#limits;
    if (this.#queue.length >= queueMax) return false;
    const timer = setTimeout(() => {
      this.cancel(waiter);
      waiter.onQueueTimeout();
    }, queueTimeoutMs);
    this.#queue.push({ waiter, timer });
    return true;
  }

  /** Leaves the queue without a slot. */
  cancel(waiter: SlotWaiter): void {
    const index = this.#queue.findIndex((entry) => entry.waiter === waiter);
    const [entry] = index < 0 ? [] : this.#queue.splice(index, 1);
    if (entry !== undefined) clearTimeout(entry.timer);
  }

  /** Gives a slot back; the request that waited longest has it next. */
  leave(): void {
    this.#inFlight--;
    this.#wakeNext();
  }

  /** A connection that switched protocols takes its place among those allowed for as long as it lives. */
  holdUpgraded(socket: Duplex): void {
    this.#upgraded++;
    socket.once('close', () => {
      this.#upgraded--;
      this.#wakeNext();
    });
  }

  #hasRoom(): boolean {
    const { instanceInFlightMax, instanceConnectionsMax } = this.#limits;
    return this.#inFlight < Math.min(instanceInFlightMax, instanceConnectionsMax - this.#upgraded);
  }

  #wakeNext(): void {
    if (this.#queue.length === 0 || !this.#hasRoom()) return;
    const next = this.#queue.shift();
    if (next === undefined) return;
    this.#inFlight++;
    clearTimeout(next.timer);
    next.waiter.onSlot();
  }
}
