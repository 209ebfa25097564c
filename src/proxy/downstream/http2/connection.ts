// One client connection that speaks HTTP/2: each of its streams is an exchange of its own. Node leaves much of it standing when
// its client goes away (a socket at its end, a stream that was reset with bytes left to read or to write), so that here each
// end is followed to the others: of the socket to the session and its streams, of the last stream to the socket.

import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { ProxyConfig } from '../../../config/config.ts';
import { inTurn } from '../../../net/loop-share.ts';
import type { Peer } from '../../fields/forwarded.ts';
import type { ServiceRuntime } from '../../service.ts';
import { ClientConnection } from '../client-connection.ts';
import type { Dispatch } from '../dispatch.ts';
import type { FrameGuard } from './frame-guard.ts';
import { Http2Request, Http2Response } from './message.ts';
import { StreamTimer } from './stream-timer.ts';

/** What the end of a stream with its request is taken to cost, ms. */
const STREAM_END_MS = 0.1;

export interface Http2PortOptions {
  /** The one in force. */
  readonly config: () => ProxyConfig;
  readonly dispatch: Dispatch;
  readonly peerOf: (remoteAddress: string | undefined, encrypted: boolean) => Peer;
  readonly service: () => ServiceRuntime | null;
}

export interface Http2Layers {
  readonly socket: Socket;
  readonly guard: FrameGuard;
  readonly session: ServerHttp2Session;
}

export class Http2Connection {
  readonly #options: Http2PortOptions;
  readonly #socket: Socket;
  readonly #guard: FrameGuard;
  readonly #session: ServerHttp2Session;
  readonly #peer: Peer;
  #streams = 0;
  #pingTimer: NodeJS.Timeout | null = null;
  #closeTimer: NodeJS.Timeout | null = null;

  /** Takes all three. `session` reads through `guard`, and that from `socket`. */
  constructor({ socket, guard, session }: Http2Layers, options: Http2PortOptions) {
    this.#options = options;
    this.#socket = socket;
    this.#guard = guard;
    this.#session = session;
    this.#peer = options.peerOf(socket.remoteAddress, 'encrypted' in socket);
    // HTTP/2 has no connection that is half open, but the servers of HTTP/1 that it came from have.
    socket.once('end', () => socket.destroy());
    socket.once('close', () => this.#onSocketClose());
    // A broken session ends its streams, and each exchange hears of it there.
    session.on('error', () => {});
    // Node closes the session behind this event.
    session.once('goaway', () => setImmediate(() => this.#closeWhenOver()));
    session.on(
      'stream',
      (stream: ServerHttp2Stream, _headers: unknown, _flags: unknown, rawHeaders: readonly string[] = []) =>
        this.#onStream(stream, rawHeaders),
    );
    session.on('timeout', () => this.#onQuiet());
    session.setTimeout(options.config().keepAliveTimeoutMs);
  }

  /** No new streams; those under way finish (GOAWAY). */
  stop(): void {
    this.#session.close();
    this.#closeWhenOver();
  }

  /** Its streams end with it: hundreds at once, and as many again for each other connection that is lost at the same moment. */
  #onSocketClose(): void {
    for (const timer of [this.#closeTimer, this.#pingTimer]) if (timer !== null) clearTimeout(timer);
    inTurn(this.#streams * STREAM_END_MS, () => {
      this.#session.destroy();
      this.#guard.destroy();
    });
  }

  /**
   * Nothing moved for as long as an idle connection is kept. With requests under way that may be the instance's doing, or a
   * client that is gone: it is asked (RFC 9113 section 6.7).
   */
  #onQuiet(): void {
    const { bodyIdleTimeoutMs, keepAliveTimeoutMs } = this.#options.config();
    if (this.#streams === 0) {
      this.stop();
      return;
    }
    if (this.#pingTimer !== null) return;
    this.#pingTimer = setTimeout(destroy, bodyIdleTimeoutMs, this.#socket).unref();
    this.#session.ping(() => {
      if (this.#pingTimer !== null) clearTimeout(this.#pingTimer);
      this.#pingTimer = null;
      this.#session.setTimeout(keepAliveTimeoutMs);
    });
  }

  #onStream(stream: ServerHttp2Stream, rawHeaders: readonly string[]): void {
    const { config, dispatch, service } = this.#options;
    // Also where it, or its session, is gone before it gets here.
    stream.on('error', () => {});
    if (stream.destroyed) return;
    if (this.#lostFields(stream, rawHeaders)) {
      reset(stream, constants.NGHTTP2_PROTOCOL_ERROR);
      return;
    }
    stream.on('trailers', (_trailers: unknown, _flags: unknown, raw: readonly string[] = []) => {
      if (this.#lostFields(stream, raw)) reset(stream, constants.NGHTTP2_PROTOCOL_ERROR);
    });
    const link = {
      destroy: () => reset(stream, constants.NGHTTP2_CANCEL),
      resetAndDestroy: () => reset(stream, constants.NGHTTP2_INTERNAL_ERROR),
    };
    const connection = new ClientConnection(link, this.#peer, service);
    this.#streams++;
    stream.once('aborted', () => {
      connection.onClose();
      // By itself it closes only once all that came has been read, which may never be.
      process.nextTick(destroy, stream);
    });
    // Reset without an error while the last of its answer waits: node waits for that to be written.
    stream.once('end', () => {
      if (stream.closed && !stream.writableFinished) stream.destroy();
    });
    const timer = new StreamTimer((quiet) => connection.onQuiet(quiet, config()));
    timer.setTimeout(config().bodyIdleTimeoutMs);
    stream.once('close', () => {
      timer.stop();
      connection.onClose();
      this.#onStreamClose();
    });
    dispatch({
      connection,
      request: new Http2Request(stream, rawHeaders, timer),
      response: new Http2Response(stream, timer),
      upgrade: null,
    });
  }

  /** RFC 9113 section 8.2.1: with a field that is malformed, as the session drops it, the whole request is. */
  #lostFields({ id = 0 }: ServerHttp2Stream, raw: readonly string[]): boolean {
    const count = this.#guard.takeFieldCount(id);
    return !Number.isNaN(count) && raw.length / 2 !== count;
  }

  #onStreamClose(): void {
    this.#streams--;
    this.#closeWhenOver();
  }

  /**
   * Node only ends its own half then, and may read no more, so that the end of the other, or a reset, goes unseen. The client
   * has as long as for a part of a body.
   */
  #closeWhenOver(): void {
    const { closed, destroyed } = this.#session;
    if (this.#streams > 0 || this.#closeTimer !== null || !(closed || destroyed)) return;
    this.#closeTimer = setTimeout(destroy, this.#options.config().bodyIdleTimeoutMs, this.#socket).unref();
  }
}

/** Node would wait for what is left to be read and written. */
function reset(stream: ServerHttp2Stream, code: number): void {
  stream.close(code);
  process.nextTick(destroy, stream);
}

function destroy(it: Socket | ServerHttp2Stream): void {
  it.destroy();
}
