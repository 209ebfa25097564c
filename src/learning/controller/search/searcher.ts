// Searches one at a time: among few clients at once, else in a thread of its own, so that the controller goes on to repeat its claim and
// to hear its nodes.

import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { startThread } from '../../../sea.ts';
import { type Finding, find, type Question } from './find.ts';

/** So many clients are divided in 15,400 ways at the most: in less time than a thread takes to start. */
const AT_ONCE_MAX = 12;

/** What is searched for, and what came of it. */
export class Searcher {
  readonly #onFailure: (error: Error) => void;
  #question: Question | null = null;
  #thread: Worker | null = null;
  #finding: Finding | null = null;

  /** @param onFailure called where a search could not be made, for want of memory */
  constructor(onFailure: (error: Error) => void) {
    this.#onFailure = onFailure;
  }

  /** Begins to search at the first call with this question, and gives up another one. @returns null until it is found */
  find(question: Question): Finding | null {
    if (question.nodes.clients.length <= AT_ONCE_MAX) return find(question);
    if (question !== this.#question) this.#begin(question);
    return this.#finding;
  }

  /** Gives up what is searched for. */
  stop(): void {
    this.#question = null;
    this.#finding = null;
    this.#thread
      ?.removeAllListeners('message')
      .removeAllListeners('error')
      .on('error', () => {});
    void this.#thread?.terminate();
    this.#thread = null;
  }

  #begin(question: Question): void {
    this.stop();
    this.#question = question;
    const source = join(import.meta.dirname, 'thread.ts');
    this.#thread = startThread({ script: 'search', source, name: 'search', data: question });
    this.#thread.once('message', (finding: Finding) => {
      this.#finding = finding;
    });
    this.#thread.once('error', this.#onFailure);
  }
}
