// The answer on its way to the client. The head is held back until the first chunk, or the end of this turn of the event
// loop: an answer that is whole by then leaves in one write.

import { atEndOfRead, type Waiting } from '../../../net/end-of-read.ts';
import type { RawFields } from '../../fields/fields.ts';
import { BORROWED_BYTES_MAX } from '../../upstream/upstream.ts';
import type { ClientResponse } from './message.ts';

/** Hears when the client takes more again. */
export interface DrainListener {
  onDrain(): void;
}

/** What ends a connection so that the client sees an error. */
export interface CutOff {
  reset(): void;
}

/** The answer to one request, on its way to the client. */
export class Answer implements Waiting {
  readonly #response: ClientResponse;
  readonly #connection: CutOff;
  /** Short, it is Latin-1: it leaves as one string with its head, a write less than a head and a buffer. */
  #held: Buffer | string | null = null;
  #headHeld = false;
  #status = 0;
  #reason = '';
  #fields: string[] = [];
  #drainListener: DrainListener | null = null;
  /** Its head could not be written: nothing of it goes out, now or later. */
  #refused = false;

  constructor(response: ClientResponse, connection: CutOff) {
    this.#connection = connection;
    this.#response = response;
  }

  /** Whether a status line is decided; after that no other answer can be given. */
  get begun(): boolean {
    return this.#headHeld || this.#refused || this.#response.headersSent;
  }

  /** Raw fields, owned by the answer from now on. */
  head(status: number, reason: string, fields: string[]): void {
    this.#status = status;
    this.#reason = reason;
    this.#fields = fields;
    this.#headHeld = true;
    atEndOfRead(this);
  }

  /** 1xx, at once. `fields` as for `head`. */
  information(status: number, fields: string[]): void {
    if (this.begun) return;
    if (status === 100) this.#response.writeContinue();
    else this.#response.writeInformation(status, fields);
  }

  /**
   * `chunk` as an upstream hands it over (`BORROWED_BYTES_MAX`). False: the client reads slower than this; `listener` is called
   * when it caught up.
   */
  write(chunk: Buffer, listener: DrainListener): boolean {
    const borrowed = chunk.length <= BORROWED_BYTES_MAX;
    if (this.#headHeld && this.#held === null) {
      this.#held = borrowed ? chunk.toString('latin1') : chunk;
      return true;
    }
    this.flush();
    if (this.#refused || this.#response.write(borrowed ? Buffer.from(chunk) : chunk)) return true;
    this.#awaitDrain(listener);
    return false;
  }

  /** Like `write`. `chunk` stays as it is until this has returned true, or `listener` was called; with some responses no copy is made. */
  lend(chunk: Buffer, listener: DrainListener): boolean {
    if (this.#headHeld || this.#response.lend === undefined) return this.write(Buffer.from(chunk), listener);
    if (this.#refused || this.#response.lend(chunk)) return true;
    this.#awaitDrain(listener);
    return false;
  }

  end(trailers: RawFields): void {
    const response = this.#response;
    if (trailers.length > 0) {
      this.flush();
      if (this.#refused) return;
      if (response.chunkedEncoding) response.addTrailers(pairs(trailers));
      response.end();
      return;
    }
    const held = this.#held;
    this.#held = null;
    this.#writeHead();
    if (this.#refused) return;
    if (held === null) response.end();
    else if (typeof held === 'string') response.end(held, 'latin1');
    else response.end(held);
  }

  /** Nothing more came along with the head. */
  endOfRead(): void {
    this.flush();
  }

  /** Writes out what is held back. */
  flush(): void {
    const held = this.#held;
    this.#held = null;
    const first = this.#headHeld;
    this.#writeHead();
    if (this.#refused) return;
    if (held !== null) this.#response.write(typeof held === 'string' ? Buffer.from(held, 'latin1') : held);
    else if (first) this.#response.flushHeaders();
  }

  /** Cuts the client off, so that what it got so far cannot look whole. */
  reset(): void {
    this.#headHeld = false;
    this.#held = null;
    this.#connection.reset();
  }

  #awaitDrain(listener: DrainListener): void {
    if (this.#drainListener === null) this.#response.on('drain', () => this.#drainListener?.onDrain());
    this.#drainListener = listener;
  }

  #writeHead(): void {
    if (!this.#headHeld) return;
    this.#headHeld = false;
    try {
      this.#response.writeHead(this.#status, this.#reason, this.#fields);
    } catch {
      // Node refuses what llhttp let in (a control character in a reason, a status below 100): nothing of it goes out.
      this.#refused = true;
      this.#connection.reset();
    }
  }
}

function pairs(fields: RawFields): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) list.push([fields[i] ?? '', fields[i + 1] ?? '']);
  return list;
}
