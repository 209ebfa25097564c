// The thread of the store, seen from the main thread: one request at a time, each with an answer, even at the end of the
// thread.

import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { startThread } from '../sea.ts';
import type { StoreAnswer, StoreRequest } from './messages.ts';

let ahead: StoreThread | null = null;

/**
 * Starts the thread of the store that is opened later: it takes a third of a start to boot, beside the main thread, which has
 * the rest of the program to load meanwhile.
 */
export function startStoreThreadAhead(): void {
  ahead ??= new StoreThread();
}

/** The one that was started ahead, once; else a new one. */
export function takeStoreThread(): StoreThread {
  const thread = ahead ?? new StoreThread();
  ahead = null;
  return thread;
}

export class StoreThread {
  readonly #worker: Worker;
  #answer: ((answer: StoreAnswer) => void) | null = null;
  /** Why there is no thread any more. */
  #ended: string | null = null;

  constructor() {
    this.#worker = startThread({ script: 'store', source: join(import.meta.dirname, 'thread.ts'), name: 'store' });
    this.#worker.on('message', (answer: StoreAnswer) => this.#take(answer));
    this.#worker.on('error', (error) => this.#end(error instanceof Error ? error.message : String(error)));
    this.#worker.on('exit', () => this.#end('it ended'));
    this.#worker.unref();
  }

  /** Nothing answers any more but with why. */
  get hasEnded(): boolean {
    return this.#ended !== null;
  }

  /** Not to be called before the last one was answered. */
  ask(request: StoreRequest): Promise<StoreAnswer> {
    return new Promise((resolve) => {
      this.#answer = resolve;
      // An answer that is awaited keeps the process, an idle thread does not.
      this.#worker.ref();
      if (this.#ended !== null) this.#end(this.#ended);
      else this.#worker.postMessage(request);
    });
  }

  /** Nothing waits for it any more. */
  leave(): void {
    this.#worker.unref();
  }

  #take(answer: StoreAnswer): void {
    this.#answer?.(answer);
    this.#answer = null;
    this.#worker.unref();
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    const failure = {
      kind: 'other',
      reason: `the thread of the store: ${this.#ended}`,
      code: '',
      movedTo: null,
    } as const;
    this.#take({ ok: false, failure });
  }
}
