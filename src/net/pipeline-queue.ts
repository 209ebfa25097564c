// Requests that a client sends ahead on a connection of node:http. Node hands them out as they come; here each waits until
// the answer to the one before it is out. Side by side a request could overtake what it depends on (RFC 9112 section 9.3.2),
// and what an instance says before its answer would end up inside of another.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { LoopShare } from './loop-share.ts';

/** More than these are not read before their turn. */
const WAITING_MAX = 16;
/** What a request that was sent ahead is taken to cost, ms, where its answer may be there at once. */
export const PIPELINED_COST_MS = 0.1;

interface Turn {
  /** Null: not a request, but the end of the connection. */
  readonly response: ServerResponse<IncomingMessage> | null;
  readonly begin: () => void;
}

/** The requests of one connection, in order: each begins when the answer to the one before it is out. */
export class PipelineQueue {
  readonly #socket: Socket;
  #current: ServerResponse<IncomingMessage> | null = null;
  readonly #waiting: Turn[] = [];
  readonly #share = new LoopShare(() => this.#next());
  #last = false;
  /** Node resumes the socket behind every request that it has read whole. */
  readonly #stayPaused = (): void => {
    this.#socket.pause();
  };

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** An answer is under way, or to come. */
  get busy(): boolean {
    return this.#waiting.length > 0 || (this.#current !== null && !this.#current.closed);
  }

  /** The last answer is out: what waits gets none. True: the client has not sent all of its request yet, or sent more behind it. */
  stop(): boolean {
    const more = this.#current?.req.complete === false || this.#waiting.length > 0;
    this.#last = true;
    this.#waiting.length = 0;
    this.#socket.off('resume', this.#stayPaused);
    return more;
  }

  /** `begin` is called when it is this request's turn, maybe at once; never when the connection ends before. */
  take(response: ServerResponse<IncomingMessage>, begin: () => void): void {
    this.#add({ response, begin });
  }

  /**
   * What follows cannot be understood: `end` is called once everything before it is answered, and nothing after it. A request
   * that has not begun and is cut short by it is a part of it.
   */
  takeLast(end: () => void): void {
    const behind = this.#waiting.at(-1);
    if (!this.#last && behind?.response?.req.complete === false) this.#waiting.pop();
    this.#add({ response: null, begin: end });
    this.#last = true;
  }

  /** The client caught up, and node does not pass that on to the answer. */
  drained(): void {
    this.#current?.emit('drain');
  }

  #add(turn: Turn): void {
    if (this.#last || !this.#socket.writable) return;
    if (!this.busy) {
      this.#begin(turn);
      return;
    }
    if (this.#waiting.push(turn) === 1) this.#current?.once('close', () => this.#next());
    if (this.#waiting.length === WAITING_MAX) this.#pause();
  }

  #begin({ response, begin }: Turn): void {
    this.#current = response;
    begin();
  }

  #next(): void {
    if (!this.#socket.writable) return;
    if (this.#share.usedUp) {
      this.#share.wait();
      return;
    }
    const turn = this.#waiting.shift();
    if (turn === undefined) return;
    this.#share.use(PIPELINED_COST_MS);
    if (this.#waiting.length > 0) turn.response?.once('close', () => this.#next());
    if (this.#waiting.length === 0) this.#resume();
    this.#begin(turn);
  }

  #pause(): void {
    this.#socket.off('resume', this.#stayPaused).on('resume', this.#stayPaused);
    this.#socket.pause();
  }

  #resume(): void {
    this.#socket.off('resume', this.#stayPaused);
    if (this.#socket.isPaused()) this.#socket.resume();
  }
}
