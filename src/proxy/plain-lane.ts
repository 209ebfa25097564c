// The short way in for cleartext HTTP/1.1. Requests that are beyond doubt (plain-request-head.ts) are read and answered on the
// socket itself; with the first that is not, the connection goes over to node:http for good, nothing missing. Most devices send
// nothing else in their lives, and are spared half of what a request costs.

import type { Socket } from 'node:net';
import type { ClientConnection } from './client-connection.ts';
import { type PlainLink, PlainRequest, PlainResponse } from './plain-message.ts';
import { readPlainRequestHead } from './plain-request-head.ts';
import type { Route } from './routes.ts';

export interface PlainLaneOptions {
  readonly socket: Socket;
  readonly connection: ClientConnection;
  readonly route: Route;
  /** In force now: what a head may have, bytes. */
  readonly headBytesMax: () => number;
  /** The socket was silent for as long as its timeout. */
  readonly onQuiet: () => void;
  /** For node:http from here on; everything that came since the last answer lies in the socket's buffer. */
  readonly handOver: () => void;
}

/** What may come in behind a request that is under way before the socket has to wait. */
const BEHIND_BYTES_MAX = 64 * 1024;
/** How long a client may go on sending what nobody reads. */
const LINGER_MS = 2000;
const NOTHING = Buffer.alloc(0);

export class PlainLane implements PlainLink {
  readonly socket: Socket;
  readonly #options: PlainLaneOptions;
  #request: PlainRequest | null = null;
  #response: PlainResponse | null = null;
  /** Came in behind the request that is under way. */
  #behind: Buffer = NOTHING;
  #over = false;
  readonly #onData = (chunk: Buffer): void => this.#take(chunk);
  readonly #onEnd = (): void => {
    this.socket.end();
  };
  readonly #onError = (): void => {
    this.socket.destroy();
  };
  readonly #onDrain = (): void => this.#response?.drained();

  /** Takes the socket; `first`: what has been read of it. */
  constructor(options: PlainLaneOptions, first: Buffer) {
    const { socket, onQuiet } = options;
    this.socket = socket;
    this.#options = options;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('drain', this.#onDrain);
    socket.on('timeout', onQuiet);
    socket.resume();
    this.#take(first);
  }

  pauseBody(): void {
    this.socket.pause();
  }

  resumeBody(): void {
    this.socket.resume();
  }

  answered(closes: boolean): void {
    this.#response = null;
    const unread = this.#request !== null && this.#request.bytesLeft > 0;
    if (closes) {
      this.#over = true;
      if (unread) this.#linger();
      else this.socket.destroySoon();
      return;
    }
    if (this.socket.isPaused()) this.socket.resume();
    // The rest of a body that nobody wanted is read and dropped before anything else.
    if (unread) return;
    this.#request = null;
    // Not from within the answer that is just being given.
    if (this.#behind.length > 0) process.nextTick(takeBehind, this);
  }

  takeBehind(): void {
    if (this.#request !== null) return;
    const behind = this.#behind;
    this.#behind = NOTHING;
    this.#take(behind);
  }

  #take(chunk: Buffer): void {
    if (this.#over || chunk.length === 0) return;
    if (this.#request === null && this.#behind.length === 0) this.#begin(chunk);
    else if (this.#request !== null && this.#request.bytesLeft > 0) this.#takeBody(this.#request, chunk);
    else this.#keepBehind(chunk);
  }

  #begin(chunk: Buffer): void {
    const head = readPlainRequestHead(chunk, this.#options.headBytesMax());
    if (head === null) {
      this.#handOver(chunk);
      return;
    }
    const request = new PlainRequest(this, head);
    const response = new PlainResponse(this, head);
    this.#request = request;
    this.#response = response;
    const { connection, route } = this.#options;
    const rest = chunk.length > head.bytes ? chunk.subarray(head.bytes) : NOTHING;
    route({ connection, request, response, upgrade: null });
    if (rest.length === 0 || this.#over) return;
    if (request.bytesLeft > 0) this.#takeBody(request, rest);
    else this.#keepBehind(rest);
  }

  #takeBody(request: PlainRequest, chunk: Buffer): void {
    const { bytesLeft } = request;
    if (chunk.length <= bytesLeft) {
      this.#push(request, chunk);
      return;
    }
    const behind = chunk.subarray(bytesLeft);
    this.#push(request, chunk.subarray(0, bytesLeft));
    if (!this.#over) this.#keepBehind(behind);
  }

  #push(request: PlainRequest, chunk: Buffer): void {
    request.push(chunk);
    if (request.bytesLeft === 0 && this.#response === null) this.#request = null;
  }

  /**
   * The last answer is out, and its client still sends: closed at once, the connection would be reset, and the answer lost
   * with it (RFC 9112 section 9.6).
   */
  #linger(): void {
    const { socket } = this;
    socket.end();
    socket.resume();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  }

  /** A client that sends its next request before it has this answer: in their order, one at a time. */
  #keepBehind(chunk: Buffer): void {
    if (this.#request === null && this.#behind.length === 0) {
      this.#begin(chunk);
      return;
    }
    this.#behind = this.#behind.length === 0 ? chunk : Buffer.concat([this.#behind, chunk]);
    if (this.#behind.length > BEHIND_BYTES_MAX) this.socket.pause();
  }

  #handOver(rest: Buffer): void {
    const { socket, onQuiet, handOver } = this.#options;
    this.#over = true;
    socket.removeListener('data', this.#onData);
    socket.removeListener('end', this.#onEnd);
    socket.removeListener('error', this.#onError);
    socket.removeListener('drain', this.#onDrain);
    socket.removeListener('timeout', onQuiet);
    socket.pause();
    socket.unshift(rest);
    handOver();
    socket.resume();
  }
}

function takeBehind(lane: PlainLane): void {
  lane.takeBehind();
}
