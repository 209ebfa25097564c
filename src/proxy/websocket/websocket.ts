// A WebSocket after its handshake: two sockets, and bytes that pass between them with back-pressure both ways. Messages are
// not taken apart: compression, fragments, pings and close codes are between the two ends, and cost nothing here. All that is
// followed is where frames end, so that a drain can say goodbye (1001) in order.

import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { gatherPieces } from '../../net/piece-gatherer.ts';
import { holdWrites } from '../held-writes.ts';
import { closeFrame, FrameTracker, usesReserved } from './frames.ts';
import { type BadEnd, badEndOf } from './verdict.ts';

/** RFC 6455 section 7.4.1: an endpoint is going away. */
const GOING_AWAY = 1001;
/** A peer that vanished without a word is noticed by the kernel's probes after this and ten seconds. */
const TCP_KEEP_ALIVE_MS = 30_000;
/** How long one side has to end after the other said that it has no more. */
const HALF_OPEN_MS_MAX = 10_000;

/** A socket, and what was read behind the head of its handshake. */
export interface UpgradedSocket {
  readonly socket: Socket;
  readonly first: Buffer;
}

/** What joins two sockets after a handshake. */
interface Handshake {
  readonly client: UpgradedSocket;
  readonly upstream: UpgradedSocket;
  readonly stallTimeoutMs: number;
  /** What its answer names in `Sec-WebSocket-Extensions`; null: nothing. */
  readonly extensions: string | null;
  readonly onBadEnd: ((how: BadEnd) => void) | null;
}

/** Answers the client's handshake with `fields` and joins the two sockets. */
export function switchProtocols(
  { client, upstream, stallTimeoutMs, extensions, onBadEnd }: Handshake,
  fields: readonly string[],
): WebSocketPipe {
  let head = 'HTTP/1.1 101 Switching Protocols\r\n';
  for (let i = 0; i + 1 < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`;
  client.socket.write(`${head}\r\n`, 'latin1');
  if (upstream.first.length > 0) upstream.socket.unshift(upstream.first);
  if (client.first.length > 0) client.socket.unshift(client.first);
  const extended = usesReserved(extensions);
  return new WebSocketPipe({ client: client.socket, upstream: upstream.socket, stallTimeoutMs, extended, onBadEnd });
}

export interface WebSocketEnds {
  readonly client: Socket;
  readonly upstream: Socket;
  /** A peer that takes no byte for this long while some wait for it is cut off. */
  readonly stallTimeoutMs: number;
  /** The two ends agreed on an extension that may use reserved bits and opcodes. */
  readonly extended: boolean;
  /** The upstream ended it badly (verdict.ts); at most once. Null: the protocol is not WebSocket. */
  readonly onBadEnd: ((how: BadEnd) => void) | null;
}

/** Two sockets after a handshake; ends when both have ended. */
export class WebSocketPipe {
  readonly #ends: WebSocketEnds;
  readonly #toClient: Direction;
  readonly #toUpstream: Direction;
  readonly #beganMs = performance.now();
  #closeTimer: NodeJS.Timeout | null = null;
  /** It is known which end ended it. */
  #settled: boolean;

  /** Starts at once. */
  constructor(ends: WebSocketEnds) {
    this.#ends = ends;
    const { client, upstream, extended } = ends;
    this.#settled = ends.onBadEnd === null;
    const byClient = (): void => this.#settle();
    const byUpstream = (): void => this.#judge();
    this.#toClient = new Direction(upstream, client, { masks: false, extended, onEnds: byUpstream });
    this.#toUpstream = new Direction(client, upstream, { masks: true, extended, onEnds: byClient });
    for (const [socket, other, onEnds] of [
      [client, upstream, byClient],
      [upstream, client, byUpstream],
    ] as const) {
      // Records of TLS may be as small as a byte.
      if ('encrypted' in socket) gatherPieces(socket);
      socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
      socket.setNoDelay(true);
      socket.setTimeout(ends.stallTimeoutMs, () => this.#onQuiet(socket));
      // `close` follows, and ends the other one.
      socket.on('error', onEnds);
      socket.on('end', () => {
        onEnds();
        this.#awaitOther();
      });
      socket.on('close', () => {
        onEnds();
        this.#onClose(other);
      });
    }
    this.#toClient.start();
    this.#toUpstream.start();
  }

  /** Says goodbye (1001) to both ends, as soon as the frames under way are through. */
  goAway(): void {
    this.#settle();
    this.#toClient.sayGoodbye();
    this.#toUpstream.sayGoodbye();
    this.#awaitOther();
  }

  destroy(): void {
    this.#settle();
    this.#ends.client.destroy();
    this.#ends.upstream.destroy();
  }

  /** Silence is fine, unless bytes wait to be taken. */
  #onQuiet(socket: Socket): void {
    if (socket.writableLength > 0) this.destroy();
    else socket.setTimeout(this.#ends.stallTimeoutMs);
  }

  /** The upstream ends it, unless the client did before. */
  #judge(): void {
    if (this.#settled) return;
    this.#settled = true;
    const nowMs = performance.now();
    const how = badEndOf({
      said: this.#toClient.frames,
      clientSpoke: this.#toUpstream.frames.hasMessage,
      clientQuietMs: nowMs - this.#toUpstream.lastMs,
      openMs: nowMs - this.#beganMs,
    });
    if (how !== null) this.#ends.onBadEnd?.(how);
  }

  #settle(): void {
    this.#settled = true;
  }

  #awaitOther(): void {
    this.#closeTimer ??= setTimeout(() => this.destroy(), HALF_OPEN_MS_MAX);
  }

  #onClose(other: Socket): void {
    if (this.#closeTimer !== null) clearTimeout(this.#closeTimer);
    this.#closeTimer = null;
    // What was read before the close is still on its way.
    if (other.destroyed) return;
    if (other.writableLength > 0 && !other.errored) other.destroySoon();
    else other.destroy();
  }
}

interface DirectionOptions {
  /** As a client does. */
  readonly masks: boolean;
  readonly extended: boolean;
  /** A close frame came, or one at which the other end has to give up. */
  readonly onEnds: () => void;
}

/** One way: what comes out of `from` goes into `to`. */
class Direction {
  readonly #from: Duplex;
  readonly #to: Duplex;
  readonly #goodbye: Buffer;
  readonly #onEnds: () => void;
  readonly frames: FrameTracker;
  /** When bytes came last. */
  lastMs = performance.now();
  #leaving = false;
  #said = false;

  constructor(from: Duplex, to: Duplex, { masks, extended, onEnds }: DirectionOptions) {
    this.#from = from;
    this.#to = to;
    this.#goodbye = closeFrame(GOING_AWAY, masks);
    this.frames = new FrameTracker(masks, extended);
    this.#onEnds = onEnds;
  }

  start(): void {
    this.#from.on('data', (chunk: Buffer) => this.#onData(chunk));
    this.#from.on('end', () => {
      if (!this.#said) this.#to.end();
    });
    this.#to.on('drain', () => this.#from.resume());
    this.#from.resume();
  }

  sayGoodbye(): void {
    this.#leaving = true;
    if (this.frames.atBoundary) this.#say();
  }

  #onData(chunk: Buffer): void {
    // Behind our goodbye nothing more is said; what the other end still says is read and dropped.
    if (this.#said) return;
    this.lastMs = performance.now();
    const boundary = this.frames.advance(chunk);
    if (this.frames.isClosed || this.frames.isInvalid) this.#onEnds();
    if (this.#leaving && boundary >= 0) {
      this.#to.write(chunk.subarray(0, boundary));
      this.#say();
      return;
    }
    holdWrites(this.#to);
    if (!this.#to.write(chunk)) this.#from.pause();
  }

  #say(): void {
    if (this.#said) return;
    this.#said = true;
    this.#to.end(this.#goodbye);
    this.#from.resume();
  }
}
