// One stream (RFC 9113 section 5.1): a request and the answer to it, seen by the request path as a connection of its own. It is over
// once both halves have ended, or either side has reset it.

import type { Peer } from '../../fields/forwarded.ts';
import type { DataSender } from '../../http2/data-sender.ts';
import { ErrorCode, rstStreamFrame, windowUpdateFrame } from '../../http2/frames.ts';
import type { ServiceRuntime } from '../../service.ts';
import { ClientConnection, type ClientLink, type QuietSocket } from '../client-connection.ts';
import { Http2Request, type RequestLink } from './request.ts';
import type { Http2RequestHead } from './request-head.ts';
import { Http2Response, type ResponseLink } from './response.ts';

/** What a stream needs of its connection. */
export interface StreamOwner {
  readonly peer: Peer;
  readonly service: () => ServiceRuntime | null;
  readonly sender: DataSender;
  blockOf(fields: string): string;
  gather(request: Http2Request): void;
  /** It is over; `resetHere`: the client may not know yet. */
  onStreamClose(stream: Http2Stream, resetHere: boolean): void;
}

export interface StreamBegin {
  readonly id: number;
  readonly head: Http2RequestHead;
  /** No body follows. */
  readonly ended: boolean;
  /** SETTINGS_INITIAL_WINDOW_SIZE of the client. */
  readonly window: number;
  /** How long nothing may move at first, ms. */
  readonly timeout: number;
}

export class Http2Stream implements ClientLink, QuietSocket, RequestLink, ResponseLink {
  readonly id: number;
  readonly sender: DataSender;
  readonly connection: ClientConnection;
  readonly request: Http2Request;
  readonly response: Http2Response;
  timeout: number;
  /** When something moved last: a piece of the body came, or a piece of the answer went. */
  movedMs = performance.now();
  readonly #owner: StreamOwner;
  #closed = false;

  constructor(owner: StreamOwner, { id, head, ended, window, timeout }: StreamBegin) {
    this.#owner = owner;
    this.id = id;
    this.sender = owner.sender;
    this.timeout = timeout;
    this.connection = new ClientConnection(this, owner.peer, owner.service);
    this.request = new Http2Request(this, head, ended);
    this.response = new Http2Response(this, window, head.method === 'HEAD');
  }

  moved(): void {
    this.movedMs = performance.now();
  }

  setTimeout(ms: number): void {
    this.timeout = ms;
    this.moved();
  }

  credit(bytes: number): void {
    if (!this.#closed) this.sender.output.say(windowUpdateFrame(this.id, bytes));
  }

  gather(request: Http2Request): void {
    this.#owner.gather(request);
  }

  blockOf(fields: string): string {
    return this.#owner.blockOf(fields);
  }

  answered(): void {
    // RFC 9113 section 8.1: an answer before the whole request.
    if (this.request.ended) this.#close(false);
    else this.reset(ErrorCode.noError);
  }

  destroy(): void {
    this.reset(ErrorCode.cancel);
  }

  resetAndDestroy(): void {
    this.reset(ErrorCode.internalError);
  }

  /** RFC 9113 section 5.4.2. */
  reset(code: number): void {
    if (this.#closed) return;
    this.sender.output.say(rstStreamFrame(this.id, code));
    this.#close(true);
  }

  /** The client reset it, or is gone. */
  leave(): void {
    this.#close(false);
  }

  #close(resetHere: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    this.request.close();
    this.response.close();
    this.#owner.onStreamClose(this, resetHere);
    // Not from within what the exchange does just now.
    if (this.connection.busy) process.nextTick(gone, this.connection);
  }
}

function gone(connection: ClientConnection): void {
  connection.onClose();
}
