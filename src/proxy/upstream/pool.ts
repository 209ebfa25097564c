// The connections to one instance: a free list of them, last used first, so that few stay warm and the rest go idle. What may
// be in flight (concurrency-limit.ts) and what the instance speaks (protocol-discovery.ts) are kept beside it.

import { Agent, type AgentOptions, type ClientRequestArgs } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ServiceConfig } from '../../config/config.ts';
import type { Instance } from '../../core/domain.ts';
import { openConnection, type ReadInto } from '../../net/connect.ts';
import { authorityOf } from '../../net/endpoint.ts';
import type { Alpn, ClientTls } from '../../net/tls.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import { Http1Connection } from './http1/connection.ts';
import { Http2Sessions, type Http2Target } from './http2/sessions.ts';
import { IDLE_MS_MAX, IdleLimit } from './idle-limit.ts';
import type { ConnectionOwner, Opener, PooledConnection } from './pooled-connection.ts';
import { ProtocolDiscovery } from './protocol-discovery.ts';

/** The connections to one instance: idle ones are used again, the newest first. */
export class InstancePool implements ConnectionOwner {
  readonly instance: Instance;
  /** Serves exchanges beyond a buffered request and its answer: streamed bodies, upgrades, expectations. */
  readonly agent: Agent;
  readonly #config: ServiceConfig;
  readonly #nowMs: () => number;
  readonly #free: PooledConnection[] = [];
  readonly #idleLimit = new IdleLimit();
  #connections = 0;
  #retired = false;
  /** What connecting took last, and when a connection was last given back after an answer. */
  #connectMs = 0;
  #answeredMs = Number.NEGATIVE_INFINITY;
  #warming = false;

  /** What is in flight at the instance, and what waits for room. */
  readonly slots: ConcurrencyLimit;
  readonly protocol: ProtocolDiscovery;
  readonly #tls: ClientTls;
  #sessions: Http2Sessions | null = null;

  constructor(instance: Instance, config: ServiceConfig, tls: ClientTls, nowMs: () => number) {
    this.instance = instance;
    this.slots = new ConcurrencyLimit(config.limits);
    this.protocol = new ProtocolDiscovery(instance.scheme, {
      open: (protocols, done, into) => this.#open(protocols, done, into),
      adoptHttp2: (socket) => this.http2.sessions.adopt(socket),
    });
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

  /** Open connections, idle ones included. */
  get connections(): number {
    return this.#connections;
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
    this.#answeredMs = connection.idleSinceMs;
    this.#free.push(connection);
  }

  /** Closes what lay idle for too long. `nextMs`: until the next sweep. */
  sweep(nextMs: number): void {
    if (this.#goesCold(nextMs + this.#connectMs)) this.#warm();
    while (this.#free[0] !== undefined && !this.#trusts(this.#free[0])) this.#free.shift()?.destroy();
  }

  /** The instance is gone: idle connections close now, busy ones when their exchange ends. */
  retire(): void {
    this.#retired = true;
    this.#closeFree();
    this.agent.destroy();
    this.#sessions?.retire();
  }

  /** The sessions of an instance that speaks HTTP/2, made when first asked for. */
  get http2(): Http2Target {
    if (this.#sessions === null) {
      this.#sessions = new Http2Sessions({
        secure: this.instance.scheme === 'https',
        connectionsMax: this.#config.limits.instanceConnectionsMax,
        settingsMsMax: this.#config.connectTimeoutMs,
        nowMs: this.#nowMs,
        latencyMs: this.#config.qos.latencyMs,
        open: (into, done) => this.protocol.open('http2', done, into),
        onOpen: () => this.countConnection(1),
        onClose: () => this.countConnection(-1),
      });
      if (this.#retired) this.#sessions.retire();
    }
    return { sessions: this.#sessions, scheme: this.instance.scheme === 'https' ? 'https' : 'http' };
  }

  /** Opens one connection. Calls back exactly once. */
  #open(
    protocols: readonly Alpn[],
    done: (error: Error | null, socket: Socket | null) => void,
    into: ReadInto | null,
  ): void {
    const options = { timeoutMs: this.#config.connectTimeoutMs, tls: this.#tls, protocols, into };
    openConnection(this.instance, options, done);
  }

  /** One opened or closed. */
  countConnection(by: 1 | -1): void {
    this.#connections += by;
  }

  /**
   * An instance in use that is far away has no connection in `ms` from now, and the next request would be late for want of
   * one. One that is near, or that hangs up after each answer, is left alone: it may serve one connection at a time.
   */
  #goesCold(ms: number): boolean {
    const nowMs = this.#nowMs() + ms;
    if (this.#warming || this.#isFull || this.#connections > this.#free.length) return false;
    if (nowMs - this.#answeredMs > IN_USE_MS || this.#connectMs < FAR_RATIO * this.#config.qos.latencyMs) return false;
    const last = this.#free.at(-1);
    return last === undefined || !this.#trusts(last, nowMs);
  }

  #warm(): void {
    this.#warming = true;
    const connection = this.newConnection();
    connection.warm(() => {
      this.#warming = false;
      if (connection.destroyed) return;
      connection.idle = true;
      connection.idleSinceMs = this.#nowMs();
      if (this.#retired) connection.destroy();
      else this.#free.push(connection);
    });
  }

  #trusts({ idleSinceMs, idleMsMax, unused }: PooledConnection, nowMs = this.#nowMs()): boolean {
    const idleMs = nowMs - idleSinceMs;
    return unused ? idleMs < UNUSED_MS_MAX : idleMs < Math.min(this.#idleLimit.ms(nowMs), idleMsMax);
  }

  #closeFree(): void {
    for (const connection of this.#free.splice(0)) connection.destroy();
  }

  /** As many as there may be: an idle one of the other kind has to make way for what is opened now. */
  get #isFull(): boolean {
    return this.#connections >= this.#config.limits.instanceConnectionsMax;
  }

  /** Opens a connection for an exchange that needs a stream. Calls back once. */
  openStream(done: (error: Error | null, socket: Socket | null) => void): void {
    if (this.#isFull) this.#free.shift()?.destroy();
    this.protocol.open('http1', done);
  }

  /** Returns a new connection, which is not open yet. */
  newConnection(): Http1Connection {
    if (this.#isFull) Object.values(this.agent.freeSockets)[0]?.[0]?.destroy();
    const open: Opener = (into, done) => {
      const beganMs = this.#nowMs();
      this.protocol.open(
        'http1',
        (error, socket) => {
          this.#connectMs = this.#nowMs() - beganMs;
          done(error, socket);
        },
        into,
      );
    };
    return new Http1Connection({ open, secure: this.instance.scheme === 'https' }, this);
  }

  closedIdle(connection: PooledConnection): void {
    const index = this.#free.indexOf(connection);
    if (index >= 0) this.#free.splice(index, 1);
    const nowMs = this.#nowMs();
    if (!connection.unused) this.#idleLimit.hungUp(nowMs - connection.idleSinceMs, nowMs);
  }
}

/** How long an instance counts as in use after its last answer. */
const IN_USE_MS = 60_000;
/** How long a connection may wait for its first request: servers give that ten seconds and more. */
const UNUSED_MS_MAX = 9000;
/** What connecting takes of τ, at least, for an instance to be far away. */
const FAR_RATIO = 0.1;

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
