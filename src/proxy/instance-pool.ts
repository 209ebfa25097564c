// The connections to one instance: a free list of clients, last used first, so that few stay warm and the rest go idle;
// limits on what is in flight; and a short bounded queue in front of them.

import { Agent, type AgentOptions, type ClientRequestArgs } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { Client } from 'undici';
import type { ServiceConfig } from '../config/config.ts';
import type { Instance } from '../core/domain.ts';
import { openConnection } from './connect.ts';
import type { Http2Target } from './forward-http2.ts';
import { Http2Sessions } from './http2-sessions.ts';
import type { Alpn, UpstreamTls } from './upstream-tls.ts';

/** A connection is not reused after this long, unless the instance says otherwise: most servers hold theirs for 5 s. */
const IDLE_MS_MAX = 4000;
/** Of the idle time after which an instance was seen to hang up, how much of it to trust from then on. */
const LEARNED_IDLE_RATIO = 0.7;

/** One undici client, that is one connection at most. */
export interface PooledClient {
  readonly client: Client;
  idleSinceMs: number;
  idle: boolean;
}

/** Somebody in the queue: told once, when a slot is its own or when it waited too long. */
export interface Waiter {
  onSlot(): void;
  onQueueTimeout(): void;
}

interface QueueEntry {
  readonly waiter: Waiter;
  readonly timer: NodeJS.Timeout;
}

export class InstancePool {
  readonly instance: Instance;
  /** For exchanges that need more than a buffered request and its answer: streamed bodies, upgrades, expectations. */
  readonly agent: Agent;
  readonly #config: ServiceConfig;
  readonly #nowMs: () => number;
  readonly #free: PooledClient[] = [];
  readonly #queue: QueueEntry[] = [];
  #idleMsMax = IDLE_MS_MAX;
  #inFlight = 0;
  #connections = 0;
  #upgraded = 0;
  #retired = false;

  /** What the instance speaks; null until an https instance has said so in its first handshake. */
  protocol: 'http1' | 'http2' | null;
  readonly #tls: UpstreamTls;
  #sessions: Http2Sessions | null = null;
  #discoverers: ((error: Error | null) => void)[] = [];

  constructor(instance: Instance, config: ServiceConfig, tls: UpstreamTls, nowMs: () => number) {
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

  /** The client that was used last, or a new one when none was used lately enough to be trusted. */
  takeClient(): PooledClient {
    const last = this.#free.pop();
    if (last === undefined) return this.newClient();
    if (this.#nowMs() - last.idleSinceMs < this.#idleMsMax) {
      last.idle = false;
      return last;
    }
    // The last used is too old, so all are.
    this.#destroy(last);
    for (const older of this.#free.splice(0)) this.#destroy(older);
    return this.newClient();
  }

  giveBack(pooled: PooledClient): void {
    if (pooled.client.destroyed) return;
    if (this.#retired) {
      this.#destroy(pooled);
      return;
    }
    pooled.idle = true;
    pooled.idleSinceMs = this.#nowMs();
    this.#free.push(pooled);
  }

  /** For a client whose connection must not be used again, or never came about. */
  discard(pooled: PooledClient): void {
    pooled.idle = false;
    this.#destroy(pooled);
  }

  /** The instance is gone: idle connections close now, busy ones when their exchange ends. */
  retire(): void {
    this.#retired = true;
    for (const pooled of this.#free.splice(0)) this.#destroy(pooled);
    this.agent.destroy();
    this.#sessions?.retire();
  }

  /** For instances that speak HTTP/2. */
  get http2(): Http2Target {
    this.#sessions ??= new Http2Sessions({
      origin: originOf(this.instance),
      connectionsMax: this.#config.limits.instanceConnectionsMax,
      open: (done) => this.open(['h2'], done),
      onOpen: () => this.countConnection(1),
      onClose: () => this.countConnection(-1),
    });
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
  open(protocols: readonly Alpn[], done: (error: Error | null, socket: Socket | null) => void): void {
    openConnection(this.instance, { timeoutMs: this.#config.connectTimeoutMs, tls: this.#tls, protocols }, done);
  }

  /** The connection that told is the first of its kind; one of HTTP/1 is not worth keeping apart. */
  #adopt(socket: Socket): void {
    const speaksHttp2 = (socket as TLSSocket).alpnProtocol === 'h2';
    this.protocol = speaksHttp2 ? 'http2' : 'http1';
    if (speaksHttp2) this.http2.sessions.adopt(socket);
    else socket.destroy();
  }

  /** A connection that is not a pooled client's opened or closed. */
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

  #destroy(pooled: PooledClient): void {
    pooled.idle = false;
    pooled.client.destroy().catch(() => {});
  }

  /** Without a connection yet. */
  newClient(): PooledClient {
    const client = new Client(originOf(this.instance), {
      connect: (_options, done) => {
        this.open(['http/1.1'], (error, socket) => {
          if (socket === null) done(error ?? new Error('not connected'), null);
          else done(null, socket);
        });
      },
      pipelining: 1,
      // Timeouts are the exchange's own: to the millisecond, and never charging an instance for a slow client.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: IDLE_MS_MAX,
      allowH2: false,
    });
    const pooled: PooledClient = { client, idleSinceMs: 0, idle: false };
    client.on('connect', () => this.countConnection(1));
    client.on('disconnect', (_origin, _targets, error) => this.#onDisconnect(pooled, error));
    return pooled;
  }

  #onDisconnect(pooled: PooledClient, error: Error & { readonly code?: string }): void {
    this.countConnection(-1);
    if (!pooled.idle) return;
    const index = this.#free.indexOf(pooled);
    if (index >= 0) this.#free.splice(index, 1);
    this.#destroy(pooled);
    // UND_ERR_INFO: it was us who closed it.
    if (error.code !== 'UND_ERR_INFO') this.#learnIdleLimit(this.#nowMs() - pooled.idleSinceMs);
  }

  /** The instance hung up on an idle connection: from now on, ours are given up well before that. */
  #learnIdleLimit(idleMs: number): void {
    this.#idleMsMax = Math.min(this.#idleMsMax, idleMs * LEARNED_IDLE_RATIO);
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
    pool.open(['http/1.1'], (error, socket) => {
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
  const scheme = instance.scheme === 'https' ? 'https' : 'http';
  const host = instance.host.includes(':') ? `[${instance.host}]` : instance.host;
  return `${scheme}://${host}:${instance.port}`;
}
