// A WebSocket after its handshake: two sockets, and bytes that pass between them with back-pressure both ways. Messages are
// not taken apart: compression, fragments, pings and close codes are between the two ends, and cost nothing here. All that is
// followed is where frames end, so that a drain can say goodbye (1001) in order.

import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { gatherPieces } from '../../net/piece-gatherer.ts';
import { closeFrame, FrameTracker } from './frames.ts';

/** RFC 6455 section 7.4.1: an endpoint is going away. */
const GOING_AWAY = 1001;
/** A peer that vanished without a word is noticed by the kernel's probes after this and ten seconds. */
const TCP_KEEP_ALIVE_MS = 30_000;
/** After one side said it has no more, the other gets this long to do the same. */
const HALF_OPEN_MS_MAX = 10_000;

/** A socket, and what was read behind the head of its handshake. */
export interface UpgradedSocket {
  readonly socket: Socket;
  readonly first: Buffer;
}

/** Answers the client's handshake with `fields` and joins the two sockets. */
export function switchProtocols(
  ends: { readonly client: UpgradedSocket; readonly upstream: UpgradedSocket; readonly stallTimeoutMs: number },
  fields: readonly string[],
): WebSocketPipe {
  const { client, upstream, stallTimeoutMs } = ends;
  let head = 'HTTP/1.1 101 Switching Protocols\r\n';
  for (let i = 0; i + 1 < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`;
  client.socket.write(`${head}\r\n`, 'latin1');
  if (upstream.first.length > 0) upstream.socket.unshift(upstream.first);
  if (client.first.length > 0) client.socket.unshift(client.first);
  return new WebSocketPipe({ client: client.socket, upstream: upstream.socket, stallTimeoutMs });
}

export interface WebSocketEnds {
  readonly client: Socket;
  readonly upstream: Socket;
  /** A peer that takes no byte for this long while some wait for it is cut off. */
  readonly stallTimeoutMs: number;
}

/** Two sockets after a handshake; ends when both have ended. */
export class WebSocketPipe {
  readonly #ends: WebSocketEnds;
  readonly #toClient: Direction;
  readonly #toUpstream: Direction;
  #closeTimer: NodeJS.Timeout | null = null;

  /** Starts at once. */
  constructor(ends: WebSocketEnds) {
    this.#ends = ends;
    const { client, upstream } = ends;
    this.#toClient = new Direction(upstream, client, closeFrame(GOING_AWAY, false));
    this.#toUpstream = new Direction(client, upstream, closeFrame(GOING_AWAY, true));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      // Records of TLS may be as small as a byte.
      if ('encrypted' in socket) gatherPieces(socket);
      socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
      socket.setNoDelay(true);
      socket.setTimeout(ends.stallTimeoutMs, () => this.#onQuiet(socket));
      socket.on('error', () => other.destroy());
      socket.on('end', () => this.#awaitOther());
      socket.on('close', () => this.#onClose(other));
    }
    this.#toClient.start();
    this.#toUpstream.start();
  }

  /** Says goodbye (1001) to both ends, as soon as the frames under way are through. */
  goAway(): void {
    this.#toClient.sayGoodbye();
    this.#toUpstream.sayGoodbye();
    this.#awaitOther();
  }

  destroy(): void {
    this.#ends.client.destroy();
    this.#ends.upstream.destroy();
  }

  /** Silence is fine, unless bytes wait to be taken. */
  #onQuiet(socket: Socket): void {
    if (socket.writableLength > 0) this.destroy();
    else socket.setTimeout(this.#ends.stallTimeoutMs);
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

/** One way: what comes out of `from` goes into `to`. */
class Direction {
  readonly #from: Duplex;
  readonly #to: Duplex;
  readonly #goodbye: Buffer;
  readonly #frames = new FrameTracker();
  #leaving = false;
  #said = false;

  constructor(from: Duplex, to: Duplex, goodbye: Buffer) {
    this.#from = from;
    this.#to = to;
    this.#goodbye = goodbye;
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
    if (this.#frames.atBoundary) this.#say();
  }

  #onData(chunk: Buffer): void {
    // Behind our goodbye nothing more is said; what the other end still says is read and dropped.
    if (this.#said) return;
    const boundary = this.#frames.advance(chunk);
    if (this.#leaving && boundary >= 0) {
      this.#to.write(chunk.subarray(0, boundary));
      this.#say();
    } else if (!this.#to.write(chunk)) {
      this.#from.pause();
    }
  }

  #say(): void {
    if (this.#said) return;
    this.#said = true;
    this.#to.end(this.#goodbye);
    this.#from.resume();
  }
}
