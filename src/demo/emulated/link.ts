// Distance on loopback: a socket whose bytes arrive late, each way, in order, as over a long cable.
// Everything that runs over it sees the distance alike: requests, answers, probes. Bandwidth and the TCP handshake are
// not emulated; kept-alive connections pay for neither.

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Rng } from '../../core/rng.ts';

/** Mutable on purpose: a link may grow longer while it is in use. */
export interface Link {
  /** One way, ms, ≥ 0; half of the round trip. */
  oneWayMs: number;
  /** Mean of the exponential jitter added to it, ms, ≥ 0. */
  jitterMs: number;
}

/** A delayed byte stream over `socket`; hand it to `http.Server` as a `connection`. Owns the socket from now on. */
export class DistantSocket extends Duplex {
  /** Bytes on the way before the sender has to wait: what a kernel's buffers would hold. */
  static readonly inFlightBytesMax = 4 * 1024 * 1024;

  readonly #socket: Socket;
  readonly #inbound: DelayLine;
  readonly #outbound: DelayLine;
  #drained: (() => void) | null = null;

  constructor(socket: Socket, link: Link, rng: Rng) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#inbound = new DelayLine(link, rng, (chunk) => this.#receive(chunk));
    this.#outbound = new DelayLine(link, rng, (chunk) => this.#send(chunk));
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#inbound.put(chunk);
      if (this.#inbound.bytes > DistantSocket.inFlightBytesMax) socket.pause();
    });
    socket.on('end', () => this.#inbound.put(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** Cuts the connection the way a crash does: the peer sees a reset. */
  reset(): void {
    this.#socket.resetAndDestroy();
    this.destroy();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#outbound.put(chunk);
    if (this.#outbound.bytes > DistantSocket.inFlightBytesMax) this.#drained = done;
    else done();
  }

  override _final(done: () => void): void {
    this.#outbound.put(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#inbound.stop();
    this.#outbound.stop();
    this.#socket.destroy();
    done(error);
  }

  #receive(chunk: Buffer | null): void {
    if (!this.push(chunk)) this.#socket.pause();
    else if (this.#inbound.bytes <= DistantSocket.inFlightBytesMax) this.#socket.resume();
  }

  #send(chunk: Buffer | null): void {
    if (chunk === null) this.#socket.end();
    else this.#socket.write(chunk);
    if (this.#drained === null || this.#outbound.bytes > DistantSocket.inFlightBytesMax) return;
    const done = this.#drained;
    this.#drained = null;
    done();
  }
}

/** Chunks on their way in one direction; the end of the stream (null) travels like any other. One timer at a time. */
class DelayLine {
  readonly #link: Link;
  readonly #rng: Rng;
  readonly #deliver: (chunk: Buffer | null) => void;
  readonly #queue: { readonly dueMs: number; readonly chunk: Buffer | null }[] = [];
  #timer: NodeJS.Timeout | null = null;
  #lastDueMs = 0;
  bytes = 0;

  constructor(link: Link, rng: Rng, deliver: (chunk: Buffer | null) => void) {
    this.#link = link;
    this.#rng = rng;
    this.#deliver = deliver;
  }

  put(chunk: Buffer | null): void {
    const jitterMs = -Math.log(1 - this.#rng.next()) * this.#link.jitterMs;
    // Nothing overtakes on a stream.
    this.#lastDueMs = Math.max(this.#lastDueMs, performance.now() + this.#link.oneWayMs + jitterMs);
    this.bytes += chunk?.length ?? 0;
    this.#queue.push({ dueMs: this.#lastDueMs, chunk });
    this.#arm();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#queue.length = 0;
  }

  #arm(): void {
    const first = this.#queue[0];
    if (first === undefined || this.#timer !== null) return;
    this.#timer = setTimeout(() => this.#flush(), Math.max(0, Math.round(first.dueMs - performance.now())));
  }

  #flush(): void {
    this.#timer = null;
    // Timers have whole milliseconds: what is due within half of one is due.
    const nowMs = performance.now() + 0.5;
    for (let first = this.#queue[0]; first !== undefined && first.dueMs <= nowMs; first = this.#queue[0]) {
      this.#queue.shift();
      this.bytes -= first.chunk?.length ?? 0;
      this.#deliver(first.chunk);
    }
    this.#arm();
  }
}
