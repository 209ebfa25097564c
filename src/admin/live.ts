// The live feed of the dashboard: over one WebSocket the state once a second and events as they happen. While no page is
// connected nothing runs.

import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { oneAtATime } from '../net/one-at-a-time.ts';
import type { EventEntry, EventLog } from '../telemetry/events.ts';
import { inSlices } from './slices.ts';
import { describeEvent } from './state/event-words.ts';
import type { LiveMessage, QedgeEvent } from './state/state.ts';

export interface LiveOptions {
  /** The `StateDocument` as JSON, in parts. */
  readonly document: () => Iterable<string>;
  readonly events: EventLog<QedgeEvent>;
  /** Null: may connect; else the HTTP status it is refused with. */
  readonly refuse: (request: IncomingMessage) => 401 | 403 | null;
  /** The document could not be made. */
  readonly onError: (error: unknown) => void;
}

const LIVE_PATH = '/api/v1/live';
/** RFC 6455 section 7.4.1. */
const POLICY_VIOLATION = 1008;
const PUSH_INTERVAL_MS = 1_000;
const VIEWERS_MAX = 32;
/** Viewers only listen; what they send is small. */
const MESSAGE_BYTES_MAX = 1024;
/** A viewer that does not answer the closing handshake, or a refusal, is cut off after this. */
const CLOSE_GRACE_MS = 300;
/** A viewer that does not drain this much skips pictures until it does: each is complete in itself. */
const BACKLOG_BYTES_MAX = 1024 * 1024;

export class LiveFeed {
  readonly #options: LiveOptions;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_BYTES_MAX,
    perMessageDeflate: false,
  });
  /** The handshake of each viewer, which is judged again with each message. */
  readonly #requests = new WeakMap<WebSocket, IncomingMessage>();
  readonly #leaveEvents: () => void;
  #timer: NodeJS.Timeout | null = null;
  readonly #push: () => void;

  constructor(server: Server, options: LiveOptions) {
    this.#options = options;
    this.#push = oneAtATime(async () => this.#broadcast(await this.#picture()), options.onError);
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#leaveEvents = options.events.subscribe((entry) => {
      if (this.#sockets.clients.size > 0) this.#broadcast(eventsText([entry]));
    });
  }

  /** Sends every viewer away with 1001 (going away), so that it comes back to the process that takes over. */
  close(): void {
    this.#leaveEvents();
    this.#stopTimer();
    for (const viewer of this.#sockets.clients) {
      viewer.close(1001);
      setTimeout(() => viewer.terminate(), CLOSE_GRACE_MS).unref();
    }
    this.#sockets.close();
  }

  /** The server hands the socket over with no listener on it: from here on its errors are ours. */
  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const { pathname, query } = splitTarget(request.url ?? '');
    const refusal = this.#refusal(request, pathname);
    if (refusal === null) {
      this.#sockets.handleUpgrade(request, socket, head, (viewer) => {
        this.#requests.set(viewer, request);
        this.#welcome(viewer, query.get('since'));
      });
    } else refuse(socket, refusal);
  }

  #refusal(request: IncomingMessage, pathname: string): string | null {
    if (pathname !== LIVE_PATH) return '404 Not Found';
    // What follows the head would be read as frames.
    const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
    if (Number(length ?? 0) !== 0 || coding !== undefined) return '400 Bad Request';
    const status = this.#options.refuse(request);
    if (status !== null) return status === 401 ? '401 Unauthorized' : '403 Forbidden';
    return this.#sockets.clients.size >= VIEWERS_MAX ? '503 Service Unavailable' : null;
  }

  /** `?since=<sequence>`: events after that number come at once, so that a viewer that was away misses none. */
  #welcome(viewer: WebSocket, sequence: string | null): void {
    viewer.on('error', () => viewer.terminate());
    viewer.on('close', () => {
      if (this.#sockets.clients.size === 0) this.#stopTimer();
    });
    const since = Number(sequence ?? '0');
    const missed = this.#options.events.since(Number.isInteger(since) ? since : 0);
    send(viewer, eventsText(missed));
    void this.#picture().then((text) => send(viewer, text), this.#options.onError);
    this.#timer ??= setInterval(this.#push, PUSH_INTERVAL_MS).unref();
  }

  /** The `LiveMessage` of kind `state`. */
  async #picture(): Promise<string> {
    let state = '';
    for await (const slice of inSlices(this.#options.document())) state += slice;
    return `{"kind":"state","state":${state}}`;
  }

  #broadcast(text: string): void {
    for (const viewer of this.#sockets.clients) {
      if (this.#mayStay(viewer)) send(viewer, text);
      else viewer.close(POLICY_VIOLATION);
    }
  }

  /** A session that ended, or another token, ends the feed as well. */
  #mayStay(viewer: WebSocket): boolean {
    const request = this.#requests.get(viewer);
    return request !== undefined && this.#options.refuse(request) === null;
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}

/** A target is text from a stranger, and need not be a URL. */
function splitTarget(target: string): { readonly pathname: string; readonly query: URLSearchParams } {
  const [pathname = '', query] = target.split('?', 2);
  return { pathname, query: new URLSearchParams(query) };
}

/** What the client still sends is read and dropped, so that the answer is not lost in a reset; then it is cut off. */
function refuse(socket: Duplex, status: string): void {
  socket.resume();
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  setTimeout(() => socket.destroy(), CLOSE_GRACE_MS).unref();
}

function eventsText(entries: readonly EventEntry<QedgeEvent>[]): string {
  return JSON.stringify({ kind: 'events', events: entries.map(describeEvent) } satisfies LiveMessage);
}

function send(viewer: WebSocket, text: string): void {
  if (viewer.readyState === viewer.OPEN && viewer.bufferedAmount < BACKLOG_BYTES_MAX) viewer.send(text);
}
