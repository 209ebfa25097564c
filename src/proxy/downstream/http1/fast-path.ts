// The short way in for HTTP/1.1, in cleartext and over TLS. Requests that are beyond doubt (fast-request-head.ts) are read and
// answered on the socket itself; with the first that is not, the connection goes over to node:http for good, nothing missing.
// Most devices send nothing else in their lives, and are spared half of what a request costs.
//
// A plain GET, in brackets the file to read on in:
//
//   constructor   the listener made the connection, and knows by its first bytes that it is no HTTP/2 (listener.ts, sniff.ts)
//   #take, #read  bytes came; a request waits until the one before it is answered
//   #begin        the head becomes a FastRequest and a FastResponse (fast-message.ts); `dispatch` begins an exchange with them
//                 [exchange], or answers what is under /-/ itself (dispatch.ts)
//   answered      the exchange ended the FastResponse, which wrote it to the socket: the next request is read

import type { Socket } from 'node:net';
import { borrowReads } from '../../../net/borrowed-reads.ts';
import { LoopShare, spendTurn, takesTurn } from '../../../net/loop-share.ts';
import { gatherPieces } from '../../../net/piece-gatherer.ts';
import { PIPELINED_COST_MS } from '../../../net/pipeline-queue.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { Dispatch } from '../dispatch.ts';
import { linger } from '../linger.ts';
import { FastRequest, FastResponse, type PlainLink } from './fast-message.ts';
import { readFastRequestHead } from './fast-request-head.ts';

/** What the fast path shares with the port. */
export interface FastPathOptions {
  readonly socket: Socket;
  readonly connection: ClientConnection;
  readonly dispatch: Dispatch;
  /** Returns the most bytes that a head may have by the configuration in force. */
  readonly headBytesMax: () => number;
  /** The socket was silent for as long as its timeout. */
  readonly onQuiet: () => void;
  /** node:http has the socket from here on, with all bytes since the last answer. */
  readonly handOver: (rest: readonly Buffer[]) => void;
}

/** Bytes that may arrive behind a request under way before the socket is paused. */
const BEHIND_BYTES_MAX = 64 * 1024;
/** What a request is taken to cost that was not sent ahead, ms: hundreds of clients may send one at the same moment. */
const REQUEST_COST_MS = 0.025;
const NOTHING = Buffer.alloc(0);

/** Reads plain HTTP/1.1 requests off one socket; gives the socket to node:http for all else. */
export class FastPath implements PlainLink {
  readonly socket: Socket;
  readonly #options: FastPathOptions;
  #request: FastRequest | null = null;
  #response: FastResponse | null = null;
  /** Bytes that arrived and wait: for the answer to the request that is under way, or for its client to read the last one. */
  #behind: Buffer = NOTHING;
  /** The share of the event loop for requests that were sent ahead, or with too many others; null while none was. */
  #share: LoopShare | null = null;
  #over = false;
  /** What is being read is a view of the buffer that all connections share: what is kept of it is copied. */
  #borrowed = false;
  /** Ends the way in which the socket is read here, so that it is an ordinary stream to its next owner. */
  readonly #stopReading: (() => void) | null;
  readonly #onData = (chunk: Buffer): void => this.#take(chunk);
  readonly #onClientEnd = (): void => {
    this.socket.end();
  };
  readonly #onError = (): void => {
    this.socket.destroy();
  };
  readonly #onDrain = (): void => {
    if (this.#response !== null) this.#response.drained();
    else if (this.#behind.length > 0) this.takeBehind();
  };

  /** Takes the socket; `first`: what has been read of it. */
  constructor(options: FastPathOptions, first: Buffer) {
    const { socket, onQuiet } = options;
    this.socket = socket;
    this.#options = options;
    // A read of TCP is one piece; over TLS each record is one.
    this.#stopReading =
      'encrypted' in socket ? gatherPieces(socket) : borrowReads(socket, (bytes) => this.#takeBorrowed(bytes));
    // Else the listener for data resumes it, and it is read once more even where the first request has to wait.
    socket.pause();
    socket.on('data', this.#onData);
    socket.on('end', this.#onClientEnd);
    socket.on('error', this.#onError);
    socket.on('drain', this.#onDrain);
    socket.on('timeout', onQuiet);
    this.#take(first);
    if (!this.#over && this.#share?.waits !== true) socket.resume();
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
      if (unread || this.#behind.length > 0) linger(this.socket);
      else this.socket.destroySoon();
      return;
    }
    // The rest of an unwanted body is read and dropped before anything else.
    if (!unread) this.#request = null;
    // Not from within the answer that is just being given.
    if (this.#behind.length > 0) process.nextTick(takeBehind, this);
    else if (this.socket.isPaused()) this.socket.resume();
  }

  takeBehind(): void {
    const { socket } = this;
    if (this.#request !== null || !socket.writable || socket.writableNeedDrain) return;
    const behind = this.#behind;
    this.#behind = NOTHING;
    if (socket.isPaused()) socket.resume();
    this.#read(behind, true);
  }

  #takeBorrowed(bytes: Buffer): void {
    this.#borrowed = true;
    this.#take(bytes);
    this.#borrowed = false;
  }

  #take(chunk: Buffer): void {
    if (this.#over) return;
    if (this.#behind.length === 0) this.#read(chunk, false);
    else this.#keepBehind(Buffer.concat([this.#behind, chunk]));
  }

  /**
   * Requests one after another, each once the one before it is answered; what has to wait is kept. A client that does not
   * read its answers gets no more of them. `ahead`: sent before the answer to the one before it was out.
   */
  #read(bytes: Buffer, ahead: boolean): void {
    let rest = bytes;
    let first = !ahead;
    while (rest.length > 0) {
      const request = this.#request;
      if (request !== null && request.bytesLeft > 0) rest = this.#takeBody(request, rest);
      else if (request === null && !this.socket.writableNeedDrain && this.#hasTurn(first)) rest = this.#begin(rest);
      else break;
      if (this.#over) return;
      first = false;
    }
    if (rest.length > 0) this.#keepBehind(this.#owned(rest));
  }

  /** `first`: it was not sent ahead. */
  #hasTurn(first: boolean): boolean {
    if (first && takesTurn(REQUEST_COST_MS)) return true;
    this.#share ??= new LoopShare(() => this.takeBehind());
    if (this.#share.usedUp) this.#share.wait();
    else this.#share.use(PIPELINED_COST_MS);
    return !this.#share.waits;
  }

  /** What lies behind the head. */
  #begin(bytes: Buffer): Buffer {
    const head = readFastRequestHead(bytes, this.#options.headBytesMax());
    if (head === null) {
      this.#handOver(this.#owned(bytes));
      return NOTHING;
    }
    const request = new FastRequest(this, head);
    const response = new FastResponse(this, head);
    this.#request = request;
    this.#response = response;
    const { connection, dispatch } = this.#options;
    dispatch({ connection, request, response, upgrade: null });
    return bytes.length > head.bytes ? bytes.subarray(head.bytes) : NOTHING;
  }

  /** What lies behind the body. */
  #takeBody(request: FastRequest, bytes: Buffer): Buffer {
    const length = Math.min(bytes.length, request.bytesLeft);
    request.push(this.#owned(length < bytes.length ? bytes.subarray(0, length) : bytes));
    if (request.bytesLeft > 0) return NOTHING;
    if (this.#response === null) this.#request = null;
    // It waited for the sake of this body alone, and a client that leaves is noticed only by reading.
    if (this.socket.isPaused()) this.socket.resume();
    return length < bytes.length ? bytes.subarray(length) : NOTHING;
  }

  #owned(bytes: Buffer): Buffer {
    return this.#borrowed ? Buffer.from(bytes) : bytes;
  }

  #keepBehind(bytes: Buffer): void {
    this.#behind = bytes;
    // What waits for its turn is not read any further: to add to it copies all of it.
    if (bytes.length > BEHIND_BYTES_MAX || this.#share?.waits === true) this.socket.pause();
  }

  #handOver(rest: Buffer): void {
    const startMs = performance.now();
    const { socket, onQuiet, handOver } = this.#options;
    this.#over = true;
    socket.removeListener('data', this.#onData);
    socket.removeListener('end', this.#onClientEnd);
    socket.removeListener('error', this.#onError);
    socket.removeListener('drain', this.#onDrain);
    socket.removeListener('timeout', onQuiet);
    socket.pause();
    this.#stopReading?.();
    const waiting: Buffer | null = socket.read();
    handOver(waiting === null ? [rest] : [rest, waiting]);
    socket.resume();
    // It costs as much as many requests, and hundreds of clients may need it at the same moment.
    spendTurn(performance.now() - startMs);
  }
}

function takeBehind(path: FastPath): void {
  path.takeBehind();
}
