// The HTTP/2 connections to one instance. One carries many requests at once; another is opened only when the peer's own
// limit on streams is reached, up to the limit on connections.

import { type ClientHttp2Session, connect } from 'node:http2';
import type { Socket } from 'node:net';

/** Until the peer tells its own limit (RFC 9113 section 6.5.2 recommends no less). */
const STREAMS_MAX_ASSUMED = 100;
/** What a client repeats is its own affair, in HTTP/2 as in HTTP/1. */
const SESSION = { strictSingleValueFields: false };
/** A connection without streams closes after this. */
const IDLE_MS_MAX = 60_000;
/** A peer that does not answer a ping within this is gone, whatever TCP still believes. */
const PING_MS_MAX = 2000;

export type SessionReady = (error: Error | null, session: ClientHttp2Session | null) => void;

export interface SessionsOptions {
  /** `http://host:port` or `https://host:port`. */
  readonly origin: string;
  readonly connectionsMax: number;
  /** Opens one connection, ready to speak HTTP/2 on; calls back exactly once. */
  readonly open: (done: (error: Error | null, socket: Socket | null) => void) => void;
  readonly onOpen: () => void;
  readonly onClose: () => void;
}

interface Entry {
  readonly session: ClientHttp2Session;
  streams: number;
  /** A ping is under way. */
  doubted: boolean;
}

export class Http2Sessions {
  readonly #options: SessionsOptions;
  readonly #entries: Entry[] = [];
  #opening = 0;
  #waiting: SessionReady[] = [];
  #retired = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Calls back with a session to make one request on, at once where there is one; `give back` happens by itself. */
  take(ready: SessionReady): void {
    const entry = this.#entries.find((candidate) => hasRoom(candidate));
    if (entry !== undefined) {
      ready(null, entry.session);
      return;
    }
    this.#waiting.push(ready);
    const { connectionsMax } = this.#options;
    if (this.#opening === 0 && this.#entries.length < connectionsMax) this.#open();
    else if (this.#opening === 0) this.#serve(this.#leastBusy());
  }

  /** A connection that was opened elsewhere (the one that found out that HTTP/2 is spoken). */
  adopt(socket: Socket): void {
    const session = connect(this.#options.origin, { ...SESSION, createConnection: () => socket });
    const entry: Entry = { session, streams: 0, doubted: false };
    this.#entries.push(entry);
    this.#options.onOpen();
    const gone = (): void => this.#forget(entry);
    session.once('goaway', gone);
    session.once('close', () => {
      gone();
      this.#options.onClose();
    });
    // Its requests hear of it themselves.
    session.on('error', gone);
    session.setTimeout(IDLE_MS_MAX, () => {
      if (entry.streams === 0) session.close();
    });
    session.on('stream', (stream) => stream.close());
    this.#serve(entry);
    // What it serves now is finished all the same.
    if (this.#retired) session.close();
  }

  /** Counts a request in and out of its session's room. */
  count(session: ClientHttp2Session, by: 1 | -1): void {
    const entry = this.#entries.find((candidate) => candidate.session === session);
    if (entry !== undefined) entry.streams += by;
  }

  /**
   * A request on it got no answer. Maybe none ever will: it carries no other until its peer has answered a ping, and ends when
   * that does not come.
   */
  doubt(session: ClientHttp2Session): void {
    const entry = this.#entries.find((candidate) => candidate.session === session);
    if (entry === undefined || entry.doubted || session.closed || session.destroyed) return;
    entry.doubted = true;
    const timer = setTimeout(() => session.destroy(new Error('a ping was not answered')), PING_MS_MAX);
    session.ping(() => {
      clearTimeout(timer);
      entry.doubted = false;
    });
  }

  /** The instance is gone: what is under way finishes. */
  retire(): void {
    this.#retired = true;
    for (const { session } of this.#entries.splice(0)) session.close();
  }

  #open(): void {
    this.#opening++;
    this.#options.open((error, socket) => {
      this.#opening--;
      if (socket !== null) {
        this.adopt(socket);
        return;
      }
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const ready of waiting) ready(error, null);
    });
  }

  #serve(entry: Entry | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const ready of waiting) {
      if (entry === undefined) ready(new Error('no connection'), null);
      else ready(null, entry.session);
    }
  }

  /** Past the peer's limit, node:http2 itself holds requests back until a stream is free. */
  #leastBusy(): Entry | undefined {
    return this.#entries.reduce<Entry | undefined>(
      (least, entry) => (least === undefined || entry.streams < least.streams ? entry : least),
      undefined,
    );
  }

  #forget(entry: Entry): void {
    const index = this.#entries.indexOf(entry);
    if (index >= 0) this.#entries.splice(index, 1);
  }
}

function hasRoom({ session, streams, doubted }: Entry): boolean {
  if (doubted || session.closed || session.destroyed) return false;
  return streams < (session.remoteSettings?.maxConcurrentStreams ?? STREAMS_MAX_ASSUMED);
}
