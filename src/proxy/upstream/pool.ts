// The connections to one instance: a free list of them, last used first, so that few stay warm and the rest go idle;
// limits on what is in flight; and a short bounded queue in front of them.

import { Agent, type AgentOptions, type ClientRequestArgs } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { ServiceConfig } from '../../config/config.ts';
import type { Instance } from '../../core/domain.ts';
import { openConnection, type ReadInto } from '../../net/connect.ts';
import { authorityOf } from '../../net/endpoint.ts';
import type { Alpn, ClientTls } from '../../net/tls.ts';
import { type ConnectionOwner, Http1Connection } from './http1/connection.ts';
import type { Http2Target } from './http2/forward.ts';
import { Http2Sessions } from './http2/sessions.ts';
import { IDLE_MS_MAX, IdleLimit } from './idle-limit.ts';
import type { UpstreamCall, UpstreamHandler, UpstreamRequest } from './upstream.ts';

/** One connection for requests that go out whole, made when the first of them is sent. */
export interface PooledConnection {
  idle: boolean;
  idleSinceMs: number;
  readonly destroyed: boolean;
  /** After this long the instance said it would hang up, ms; +Infinity when it did not say. */
  readonly idleMsMax: number;
  /** One at a time. Never throws: `onError` tells. */
  send(request: UpstreamRequest, body: Buffer | null, handler: UpstreamHandler): UpstreamCall;
  destroy(): void;
}

/** Opens a connection; `into` null: it is read as a stream. Calls back exactly once. */
export type Opener = (into: ReadInto | null, done: (error: Error | null, socket: Socket | null) => void) => void;

/** Somebody in the queue: told once, when a slot is its own or when it waited too long. */
export interface Waiter {
  onSlot(): void;
  onQueueTimeout(): void;
}

interface QueueEntry {
  readonly waiter: Waiter;
  readonly timer: NodeJS.Timeout;
}

export class InstancePool implements ConnectionOwner {
  readonly instance: Instance;
  /** For exchanges that need more than a buffered request and its answer: streamed bodies, upgrades, expectations. */
  readonly agent: Agent;
  readonly #config: ServiceConfig;
  readonly #nowMs: () => number;
  readonly #free: PooledConnection[] = [];
  readonly #queue: QueueEntry[] = [];
  readonly #idleLimit = new IdleLimit();
  #inFlight = 0;
  #connections = 0;
  #upgraded = 0;
  #retired = false;

  /** What the instance speaks; null until an https instance has said so in its first handshake. */
  protocol: 'http1' | 'http2' | null;
  readonly #tls: ClientTls;
  #sessions: Http2Sessions | null = null;
  #discoverers: ((error: Error | null) => void)[] = [];

  constructor(instance: Instance, config: ServiceConfig, tls: ClientTls, nowMs: () => number) {
    this.instance = instance;
    this.protocol = instance.scheme === 'http' ? 'http1' : instance.scheme === 'h2c' ? 'http2' : null;
    this.#tls = tls;
    this.#config = config;
    this.#nowMs = nowMs;
    this.agent = new InstanceAgent(this, {
      keepAlive: true,
      maxFreeSockets: config.limits.instanceConnectionsMax,
      timeout: IDLE_MS_MAX,
      scheduling: 'lifo',
    });
  }

  /** Its own name, for requests that came without one. */
  get authority(): string {
    return authorityOf(this.instance);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Open connections, idle ones included. */
  get connections(): number {
    return this.#connections;
  }

  /** Takes a slot for one try, if one is free. Every slot is given back with `leave`. */
  enter(): boolean {
    if (!this.#hasRoom()) return false;
    this.#inFlight++;
    return true;
  }

  /** Takes a place in the queue for a slot; false when that is full too. */
  wait(waiter: Waiter): boolean {
    const { queueMax, queueTimeoutMs } = this.#config.limits;
    if (this.#queue.length >= queueMax) return false;
    const timer = setTimeout(() => {
      this.cancel(waiter);
      waiter.onQueueTimeout();
    }, queueTimeoutMs);
    this.#queue.push({ waiter, timer });
    return true;
  }

  /** Leaves the queue without a slot. */
  cancel(waiter: Waiter): void {
    const index = this.#queue.findIndex((entry) => entry.waiter === waiter);
    const [entry] = index < 0 ? [] : this.#queue.splice(index, 1);
    if (entry !== undefined) clearTimeout(entry.timer);
  }

  /** Gives a slot back; whoever waited longest has it next. */
  leave(): void {
    this.#inFlight--;
    this.#wakeNext();
  }

  /** A connection that switched protocols takes its place among those allowed for as long as it lives. */
  holdUpgraded(socket: Duplex): void {
    this.#upgraded++;
    socket.once('close', () => {
      this.#upgraded--;
      this.#wakeNext();
    });
  }

  /** The connection that was used last, or a new one when none was used lately enough to be trusted. */
  takeConnection(): PooledConnection {
    const last = this.#free.pop();
    if (last === undefined) return this.newConnection();
    if (this.#trusts(last)) {
      last.idle = false;
      return last;
    }
    // The last used is too old, so all are.
    last.destroy();
    this.#closeFree();
    return this.newConnection();
  }

  giveBack(connection: PooledConnection): void {
    if (connection.destroyed) return;
    if (this.#retired) {
      connection.destroy();
      return;
    }
    connection.idle = true;
    connection.idleSinceMs = this.#nowMs();
    this.#free.push(connection);
  }

  /** Closes what lay idle for too long. */
  sweep(): void {
    while (this.#free[0] !== undefined && !this.#trusts(this.#free[0])) this.#free.shift()?.destroy();
  }

  /** The instance is gone: idle connections close now, busy ones when their exchange ends. */
  retire(): void {
    this.#retired = true;
    this.#closeFree();
    this.agent.destroy();
    this.#sessions?.retire();
  }

  /** For instances that speak HTTP/2. */
  get http2(): Http2Target {
    if (this.#sessions === null) {
      this.#sessions = new Http2Sessions({
        origin: originOf(this.instance),
        connectionsMax: this.#config.limits.instanceConnectionsMax,
        settingsMsMax: this.#config.connectTimeoutMs,
        nowMs: this.#nowMs,
        open: (done) => this.open(['h2'], done),
        onOpen: () => this.countConnection(1),
        onClose: () => this.countConnection(-1),
      });
      if (this.#retired) this.#sessions.retire();
    }
    return { sessions: this.#sessions, scheme: this.instance.scheme === 'https' ? 'https' : 'http' };
  }

  /** Finds out by a handshake what an https instance speaks; `protocol` is set when it calls back without an error. */
  discover(done: (error: Error | null) => void): void {
    this.#discoverers.push(done);
    if (this.#discoverers.length > 1) return;
    this.open(['h2', 'http/1.1'], (error, socket) => {
      if (socket !== null) this.#adopt(socket);
      for (const waiting of this.#discoverers.splice(0)) waiting(error);
    });
  }

  /** Opens one connection. Calls back exactly once. */
  open(
    protocols: readonly Alpn[],
    done: (error: Error | null, socket: Socket | null) => void,
    into: ReadInto | null = null,
  ): void {
    const options = { timeoutMs: this.#config.connectTimeoutMs, tls: this.#tls, protocols, into };
    openConnection(this.instance, options, done);
  }

  /** The connection that told is the first of its kind; one of HTTP/1 is not worth keeping apart. */
  #adopt(socket: Socket): void {
    const speaksHttp2 = (socket as TLSSocket).alpnProtocol === 'h2';
    this.protocol = speaksHttp2 ? 'http2' : 'http1';
    if (speaksHttp2) this.http2.sessions.adopt(socket);
    else socket.destroy();
  }

  /** One opened or closed. */
  countConnection(by: 1 | -1): void {
    this.#connections += by;
  }

  #hasRoom(): boolean {
    const { instanceInFlightMax, instanceConnectionsMax } = this.#config.limits;
    return this.#inFlight < Math.min(instanceInFlightMax, instanceConnectionsMax - this.#upgraded);
  }

  #wakeNext(): void {
    if (this.#queue.length === 0 || !this.#hasRoom()) return;
    const next = this.#queue.shift();
    if (next === undefined) return;
    this.#inFlight++;
    clearTimeout(next.timer);
    next.waiter.onSlot();
  }

  #trusts({ idleSinceMs, idleMsMax }: PooledConnection): boolean {
    const nowMs = this.#nowMs();
    return nowMs - idleSinceMs < Math.min(this.#idleLimit.ms(nowMs), idleMsMax);
  }

  #closeFree(): void {
    for (const connection of this.#free.splice(0)) connection.destroy();
  }

  /** As many as there may be: whatever is opened now, an idle one of the other kind has to make way for it. */
  get #isFull(): boolean {
    return this.#connections >= this.#config.limits.instanceConnectionsMax;
  }

  /** For an exchange that needs a stream. */
  openStream(done: (error: Error | null, socket: Socket | null) => void): void {
    if (this.#isFull) this.#free.shift()?.destroy();
    this.open(['http/1.1'], done);
  }

  /** Not open yet. */
  newConnection(): PooledConnection {
    if (this.#isFull) Object.values(this.agent.freeSockets)[0]?.[0]?.destroy();
    const open: Opener = (into, done) => this.open(['http/1.1'], done, into);
    return new Http1Connection({ open, secure: this.instance.scheme === 'https' }, this);
  }

  closedIdle(connection: PooledConnection): void {
    const index = this.#free.indexOf(connection);
    if (index >= 0) this.#free.splice(index, 1);
    const nowMs = this.#nowMs();
    this.#idleLimit.hungUp(nowMs - connection.idleSinceMs, nowMs);
  }
}

class InstanceAgent extends Agent {
  readonly #pool: InstancePool;

  constructor(pool: InstancePool, options: AgentOptions) {
    super(options);
    this.#pool = pool;
  }

  override createConnection(
    _options: ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const pool = this.#pool;
    pool.openStream((error, socket) => {
      if (socket !== null) {
        pool.countConnection(1);
        socket.once('close', () => pool.countConnection(-1));
      }
      // The stream is not looked at when there is an error.
      callback?.(error, socket as unknown as Duplex);
    });
  }
}

function originOf(instance: Instance): string {
  return `${instance.scheme === 'https' ? 'https' : 'http'}://${authorityOf(instance)}`;
}
