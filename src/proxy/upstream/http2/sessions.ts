// The HTTP/2 connections to one instance. A connection is used once its peer has said how many streams it takes (RFC 9113
// section 6.5.2). Requests that find no room wait for the next stream that ends, or for another connection: as many are
// opened as the waiting ones need by the peer's own limit, up to the limit on connections.
//
// A connection that a NAT or a router forgot swallows what is sent on it without a word. So one that has been silent, while
// something is awaited of it or before it is used again, has to answer a ping; meanwhile requests may take another one.
//
// Long because: when a connection is opened, trusted and closed, and which requests wait, hang on one another.

import type { Socket } from 'node:net';
import { sharedReadBuffer } from '../../../net/borrowed-reads.ts';
import type { ReadInto } from '../../../net/connect.ts';
import { type ConnectionOwner, Http2Connection } from './connection.ts';
import { STREAMS_UNLIMITED } from './streams.ts';

/** A connection without streams closes after this. */
const IDLE_MS_MAX = 60_000;
/** A peer that has looked at no request for this long, while it refused some, is not merely busy or about to leave. */
const REFUSING_MS_MAX = 1000;
/** A connection that was silent for this long is pinged before it is used again: firewalls forget from a few seconds on. */
const TRUSTED_MS_MAX = 4000;
/** A connection with requests may be silent this long, or for the service's latency limit where that is longer. */
const SILENT_MS_MIN = 1000;
/** A request waits for the answer to a ping for this share of the latency limit, then for a second connection as well. */
const PATIENCE_RATIO = 0.25;
/** Pause before the next connection after two in a row that carried no request, though some waited. */
const REOPEN_MS = 250;
/** A peer that does not answer a ping within this is gone, even when TCP still believes in it. */
const PING_MS_MAX = 2000;

/** Exactly one of the two is null. */
export type ConnectionReady = (error: Error | null, connection: Http2Connection | null) => void;

export interface SessionsOptions {
  /** `open` speaks TLS, and its sockets are read as streams. */
  readonly secure: boolean;
  readonly connectionsMax: number;
  /** How long a peer may take to say what it speaks, ms. */
  readonly settingsMsMax: number;
  readonly nowMs: () => number;
  /** Latency limit of the service. */
  readonly latencyMs: number;
  /** Opens one connection, ready to speak HTTP/2 on; calls back exactly once. */
  readonly open: (into: ReadInto | null, done: (error: Error | null, socket: Socket | null) => void) => void;
  readonly onOpen: () => void;
  readonly onClose: () => void;
}

/** The connections of an instance, and the scheme that its requests name. */
export interface Http2Target {
  readonly sessions: Http2Sessions;
  readonly scheme: 'http' | 'https';
}

/** Sessions of HTTP/2 to one instance; another is opened where all are full. */
export class Http2Sessions implements ConnectionOwner {
  readonly #options: SessionsOptions;
  readonly #connections: Http2Connection[] = [];
  /** Those that begin no more streams, until they close. */
  readonly #leaving = new Set<Http2Connection>();
  /** Connections on their way that are not in `#connections` yet. */
  #opening = 0;
  /** Requests that wait for a connection, in the order in which they came. */
  readonly #waiting = new Set<ConnectionReady>();
  /** What the peer last allowed on one connection. */
  #streamsMax = STREAMS_UNLIMITED;
  /** When the peer first left a request unprocessed after its last answer; NaN: it has not. */
  #refusingSinceMs = Number.NaN;
  #retired = false;
  #watching = false;
  /** The last connection ended before it carried a request, though some waited. */
  #wasInVain = false;
  /** True during the pause in which no connection is opened. */
  #pausing = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#connections.length > 0 && !this.#connections.some(({ hasRoom }) => hasRoom);
  }

  /** Calls back with a connection that has room for one stream, at once where there is one. */
  take(ready: ConnectionReady): void {
    const free = this.#connections.find(({ hasRoom }) => hasRoom);
    if (free !== undefined && !this.#wasIdle(free)) {
      ready(null, free);
      return;
    }
    this.#waiting.add(ready);
    if (free === undefined) this.#openMore();
    else {
      free.doubted = true;
      this.#ping(free);
    }
  }

  /** Ends the wait of `ready`, if it waits. */
  leave(ready: ConnectionReady): void {
    this.#waiting.delete(ready);
  }

  /** Nothing is under way on it, and nothing came for so long that it may be gone. */
  #wasIdle(connection: Http2Connection): boolean {
    if (connection.streams.size > 0) return false;
    this.#listen(connection);
    return this.#options.nowMs() - connection.heardMs >= TRUSTED_MS_MAX;
  }

  #listen(connection: Http2Connection): void {
    const { bytesRead } = connection.socket;
    if (bytesRead === connection.heardBytes) return;
    connection.heardBytes = bytesRead;
    connection.heardMs = this.#options.nowMs();
  }

  /** Looks at the connections that something is awaited of, for as long as there are any. */
  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    const silentMsMax = Math.max(SILENT_MS_MIN, this.#options.latencyMs);
    const timer = setInterval(() => {
      const busy = [...this.#connections, ...this.#leaving].filter(({ streams }) => streams.size > 0);
      for (const connection of busy) {
        this.#listen(connection);
        const sinceMs = Math.max(connection.heardMs, connection.busySinceMs);
        if (this.#options.nowMs() - sinceMs >= silentMsMax) this.#ping(connection);
      }
      if (busy.length > 0) return;
      clearInterval(timer);
      this.#watching = false;
    }, silentMsMax / 4);
    timer.unref();
  }

  /** A connection that was opened elsewhere (the one that found out that HTTP/2 is spoken). */
  adopt(socket: Socket): void {
    this.#add(socket, false);
  }

  #add(socket: Socket, borrows: boolean): Http2Connection {
    const connection = new Http2Connection(socket, this, borrows);
    connection.heardMs = this.#options.nowMs();
    this.#connections.push(connection);
    this.#options.onOpen();
    this.#awaitSettings(connection);
    socket.setTimeout(IDLE_MS_MAX);
    socket.on('timeout', () => {
      if (connection.streams.size === 0) connection.close();
    });
    return connection;
  }

  /** A stream is about to begin on it. */
  began(connection: Http2Connection): void {
    this.#wasInVain = false;
    if (connection.streams.size === 0) connection.busySinceMs = this.#options.nowMs();
    this.#watch();
  }

  onStreamClose(connection: Http2Connection): void {
    this.#serve(connection);
    this.#closeIfDone(connection);
  }

  onLeaving(connection: Http2Connection): void {
    this.#leaving.add(connection);
    this.#forget(connection, null);
    this.#closeIfDone(connection);
  }

  onClose(connection: Http2Connection, failure: Error | null): void {
    this.#options.onClose();
    this.#leaving.delete(connection);
    this.#forget(connection, failure);
  }

  answered(): void {
    this.#refusingSinceMs = Number.NaN;
  }

  /** The peer left a request unprocessed. True: it has done nothing else for a while. */
  refused(): boolean {
    const nowMs = this.#options.nowMs();
    if (Number.isNaN(this.#refusingSinceMs)) this.#refusingSinceMs = nowMs;
    return nowMs - this.#refusingSinceMs > REFUSING_MS_MAX;
  }

  /**
   * A request on it got no answer. Maybe none ever will: it carries no other until its peer has answered a ping, and ends when
   * that does not come.
   */
  doubt(connection: Http2Connection): void {
    connection.doubted = true;
    this.#ping(connection);
  }

  /** While the answer is late, the connection takes no request and another one is opened for those that wait. */
  #ping(connection: Http2Connection): void {
    if (connection.pinged || connection.isOver) return;
    connection.pinged = true;
    const late = setTimeout(() => {
      connection.doubted = true;
      this.#openMore();
    }, PATIENCE_RATIO * this.#options.latencyMs);
    const lost = setTimeout(() => connection.destroy(new Error('a ping was not answered')), PING_MS_MAX);
    connection.ping((error) => {
      clearTimeout(late);
      clearTimeout(lost);
      connection.pinged = false;
      connection.doubted = false;
      if (error !== null) return;
      this.#listen(connection);
      this.#serve(connection);
    });
  }

  /** The instance is gone: what is under way finishes, what waits is still sent. */
  retire(): void {
    this.#retired = true;
    for (const connection of [...this.#connections]) this.#closeIfDone(connection);
  }

  #awaitSettings(connection: Http2Connection): void {
    const { settingsMsMax } = this.#options;
    // Its socket keeps the process up for as long as it has to.
    const timer = setTimeout(() => {
      if (connection.ready) return;
      connection.destroy(new Error(`no SETTINGS within ${settingsMsMax} ms: does it speak HTTP/2?`));
    }, settingsMsMax).unref();
    connection.socket.once('close', () => clearTimeout(timer));
  }

  onSettings(connection: Http2Connection, streamsMax: number | null): void {
    this.#serve(connection);
    this.#closeIfDone(connection);
    // A peer that takes none for now takes none on another connection either.
    if (streamsMax === 0) return;
    this.#streamsMax = streamsMax ?? STREAMS_UNLIMITED;
    this.#openMore();
  }

  /** One at first, then as many as those that wait need by what the peer allows. */
  #openMore(): void {
    if (this.#pausing) return;
    const needed = Math.ceil(this.#waiting.size / this.#streamsMax);
    const allowed = this.#options.connectionsMax - this.#connections.length;
    const coming = this.#connections.reduce((sum, { ready }) => sum + (ready ? 0 : 1), this.#opening);
    for (let more = Math.min(needed - coming, allowed - this.#opening); more > 0; more--) this.#open();
  }

  #open(): void {
    this.#opening++;
    let connection: Http2Connection | null = null;
    const buffer = sharedReadBuffer();
    const callback = (length: number): boolean => {
      connection?.read(buffer.subarray(0, length));
      return true;
    };
    const { secure, open } = this.#options;
    open(secure ? null : { buffer, callback }, (error, socket) => {
      this.#opening--;
      if (socket !== null) connection = this.#add(socket, !secure);
      else this.#failWaiting(error);
    });
  }

  #serve(connection: Http2Connection): void {
    for (const ready of this.#waiting) {
      if (!connection.hasRoom) return;
      this.#waiting.delete(ready);
      ready(null, connection);
    }
  }

  #closeIfDone(connection: Http2Connection): void {
    const { ready, leaving, streams } = connection;
    if ((this.#retired || leaving) && ready && streams.size === 0) connection.close();
  }

  #forget(connection: Http2Connection, failure: Error | null): void {
    const index = this.#connections.indexOf(connection);
    if (index < 0) return;
    this.#connections.splice(index, 1);
    // One that ended after it had been of use is replaced; one that never was says why there is none.
    if (!connection.ready) this.#failWaiting(failure);
    else if (connection.streams.any || this.#waiting.size === 0) this.#openMore();
    else this.#openAgain();
  }

  /** The peer may be about to restart; one that hangs up again is asked now and then, as long as a request waits. */
  #openAgain(): void {
    const again = this.#wasInVain;
    this.#wasInVain = true;
    if (!again) this.#openMore();
    else if (!this.#pausing) {
      this.#pausing = true;
      setTimeout(() => {
        this.#pausing = false;
        this.#openMore();
      }, REOPEN_MS).unref();
    }
  }

  /** A connection did not come about: those that wait go on waiting only while another one may serve them. */
  #failWaiting(error: Error | null): void {
    if (this.#connections.length > 0 || this.#opening > 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const ready of waiting) ready(error ?? new Error('the instance closed the connection'), null);
  }
}
