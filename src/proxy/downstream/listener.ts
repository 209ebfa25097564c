// One listening port: an HTTP/1 server with llhttp in its strict mode, limits on everything a client can send, and an answer
// for what could not even be parsed.
//
// Long because: what one port accepts, refuses and limits.

import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { Server as NetServer, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ListenAddress, ProxyConfig } from '../../config/config.ts';
import { ProxyError } from '../../errors.ts';
import { HeadChecks } from '../../net/head-checks.ts';
import { limitKeyUpdatesOf } from '../../net/key-updates.ts';
import { gatherPieces } from '../../net/piece-gatherer.ts';
import { PipelineQueue } from '../../net/pipeline-queue.ts';
import { sliceReads } from '../../net/sliced-reads.ts';
import type { ProxyContext } from '../exchange/context.ts';
import { rawErrorAnswer, statusOf } from '../exchange/error-response.ts';
import { logAccess } from '../exchange/record/access-log.ts';
import { peerOf, type TrustedPeers } from '../fields/forwarded.ts';
import { NO_SERVICE } from '../metrics.ts';
import type { ServiceRuntime } from '../service.ts';
import { ClientConnection } from './client-connection.ts';
import type { Dispatch } from './dispatch.ts';
import { takeHandshake } from './handshake.ts';
import { FastPath, type FastPathOptions } from './http1/fast-path.ts';
import { parseFailure } from './http1/parse-failure.ts';
import type { RawRequest } from './http1/raw-request.ts';
import type { RawResponse } from './http1/raw-response.ts';
import { serverOptions } from './http1/server-options.ts';
import { Http2Port } from './http2/server.ts';
import { linger } from './linger.ts';
import { linkOf } from './link.ts';
import { listenError } from './listen-error.ts';
import { sniff } from './sniff.ts';
import { ticketKeys } from './ticket-keys.ts';
import { type DownstreamTls, readDownstreamTls, setHandshakeTimeout } from './tls.ts';

export interface ListenerOptions {
  /** `proxy`, or the service whose own port it is. */
  readonly name: string;
  readonly address: ListenAddress;
  readonly context: ProxyContext;
  readonly dispatch: Dispatch;
  readonly trusted: () => TrustedPeers;
  /** The service that every request here is for; null on the shared port. */
  readonly service: () => ServiceRuntime | null;
  /** Event loops that listen on the port. */
  readonly loops: number;
}

/** How often slow heads are looked for; the limit is kept to within this. */
const HEAD_CHECK_MS = 500;

/** One port: accepts connections and ends them in order when it drains. */
export class Listener {
  readonly name: string;
  readonly address: ListenAddress;
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #headChecks: HeadChecks;
  readonly #http2: Http2Port;
  #tls: DownstreamTls | null;
  readonly #connections = new Map<Socket, ClientConnection>();
  /** Below TLS, from before its handshake on: those that say nothing are connections as well. */
  readonly #accepted = new Set<Socket>();
  /** The queues of connections that node:http has. */
  readonly #pipelineQueues = new WeakMap<Socket, PipelineQueue>();
  #stopped: Promise<void> | null = null;
  #closed: Promise<void> | null = null;
  #onEmpty: (() => void) | null = null;

  constructor(options: ListenerOptions) {
    this.name = options.name;
    this.address = options.address;
    this.#options = options;
    const { context, dispatch, service } = options;
    this.#tls = context.config.tls === null ? null : readDownstreamTls(context.config.tls);
    this.#http2 = new Http2Port({
      config: () => context.config,
      dispatch,
      service,
      peerOf: (remoteAddress, encrypted) => peerOf(remoteAddress, encrypted, options.trusted()),
    });
    this.#server = this.#createServer();
    this.#headChecks = new HeadChecks(this.#server, Math.min(HEAD_CHECK_MS, context.config.headersTimeoutMs));
  }

  get connections(): ReadonlyMap<Socket, ClientConnection> {
    return this.#connections;
  }

  /** `fd`: an inherited listening socket to use instead. Throws `CommandError` when the port cannot be had. */
  listen(fd?: number): Promise<ListenAddress> {
    const { host, port } = this.address;
    return new Promise((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => reject(listenError(this.name, this.address, error));
      this.#server.once('error', onError);
      // Several event loops on one port: the kernel spreads connections over their sockets.
      const reusePort = this.#options.loops > 1;
      this.#server.listen(fd === undefined ? { host, port, reusePort } : { fd }, () => {
        this.#server.removeListener('error', onError);
        const bound = this.#server.address();
        resolve({ host, port: bound !== null && typeof bound === 'object' ? bound.port : port });
      });
    });
  }

  /**
   * Takes no more connections; those that are open stay. Not `http.Server.close`: that also drops connections which were
   * accepted a moment ago and whose first request is still on its way.
   */
  stop(): Promise<void> {
    this.#stopped ??= new Promise((resolve) => {
      NetServer.prototype.close.call(this.#server, () => resolve());
    });
    return this.#stopped;
  }

  /**
   * Asks both ends of WebSockets, and clients that speak HTTP/2, to close. Again and again while the port drains, for connections
   * that only now turn out to be such.
   */
  sayGoodbye(): void {
    for (const connection of this.#connections.values()) connection.pipe?.goAway();
    this.#http2.stop();
  }

  /** Cuts off what is left; resolves once nothing is, for each caller. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const stopped = this.stop();
    for (const socket of [...this.#connections.keys(), ...this.#accepted]) socket.destroy();
    await stopped;
    // Exchanges end with the close events of their sockets, and those come a little later.
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
      });
    }
    await this.#http2.ended();
  }

  /** Certificates for new connections, and timeouts. */
  renew(tls: DownstreamTls | null): void {
    const { config } = this.#options.context;
    this.#server.headersTimeout = config.headersTimeoutMs;
    if (this.#tls !== null) setHandshakeTimeout(this.#server as TlsServer, config.headersTimeoutMs);
    this.#server.timeout = quietMs(config);
    if (tls === null) return;
    this.#tls = tls;
    (this.#server as TlsServer).setSecureContext(tls);
    limitKeyUpdatesOf(this.#server as TlsServer);
    this.renewTicketKeys();
    // Read with each connection, and not part of a secure context.
    const { requestCert = false, rejectUnauthorized = true } = tls;
    Object.assign(this.#server, { requestCert, rejectUnauthorized });
  }

  /** Sessions that began before are not resumed. */
  renewTicketKeys(): void {
    const { ticketSecret } = this.#options.context;
    if (this.#tls === null) return;
    (this.#server as TlsServer).setTicketKeys(ticketKeys(ticketSecret, this.#tls.ca ?? null));
  }

  #createServer(): Server {
    const { config } = this.#options.context;
    const options = serverOptions(config, (socket) => this.#pipelineQueueOf(socket).busy);
    const server = this.#tls === null ? createServer(options) : this.#createTlsServer(options, this.#tls);
    this.#chooseProtocol(server);
    server.maxConnections = Math.ceil(config.connectionsMax / this.#options.loops);
    server.timeout = quietMs(config);
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => this.#onRequest(request, response);
    server.on('request', onRequest);
    server.on('checkContinue', onRequest);
    server.on('checkExpectation', onRequest);
    server.on('upgrade', (request: IncomingMessage, socket: Socket, first: Buffer) => {
      this.#onUpgrade(request, socket, first);
    });
    server.on('connect', (_request: IncomingMessage, socket: Socket) => this.#onConnect(socket));
    server.on('clientError', (error: Error, socket: Socket) => this.#onClientError(error, socket));
    server.on('timeout', (socket: Socket) => this.#onTimeout(socket));
    return server;
  }

  #createTlsServer(options: ServerOptions<typeof RawRequest, typeof RawResponse>, tls: DownstreamTls): TlsServer {
    // A handshake is a head of its own.
    const server = createTlsServer({
      ...options,
      ...tls,
      ticketKeys: ticketKeys(this.#options.context.ticketSecret, tls.ca ?? null),
      handshakeTimeout: this.#options.context.config.headersTimeoutMs,
    });
    limitKeyUpdatesOf(server);
    server.on('connection', (socket: Socket) => {
      this.#accepted.add(socket);
      socket.once('close', () => this.#accepted.delete(socket));
    });
    return server;
  }

  /** Node's own listener for HTTP/1 becomes one of three that a new connection may be handed to. */
  #chooseProtocol(server: Server): void {
    const event = this.#tls === null ? 'connection' : 'secureConnection';
    const http1 = server.listeners(event) as ((socket: Socket) => void)[];
    server.removeAllListeners(event);
    const takeHttp1 = (socket: Socket, first: readonly Buffer[]): void => {
      const queue = this.#pipelineQueueOf(socket);
      const destroySoon = socket.destroySoon.bind(socket);
      // How node ends a connection behind its last answer.
      socket.destroySoon = () => (queue.stop() ? linger(socket) : destroySoon());
      this.#headChecks.watch(socket);
      for (const listener of http1) listener.call(server, socket);
      sliceReads(socket, first);
    };
    server.on(event, (socket: Socket) => {
      const connection = this.#onConnection(socket);
      const { alpnProtocol } = socket as Partial<TLSSocket>;
      if (alpnProtocol === 'h2') this.#takeHttp2(socket, NOTHING);
      else this.#takeByFirstBytes(socket, connection, takeHttp1);
    });
  }

  #takeByFirstBytes(
    socket: Socket,
    connection: ClientConnection,
    takeHttp1: (socket: Socket, first: readonly Buffer[]) => void,
  ): void {
    const { context, dispatch } = this.#options;
    sniff(socket, context.config.headersTimeoutMs, (protocol, first) => {
      // HTTP/2 over TLS is agreed on before the first byte.
      if (protocol === 'http2' && this.#tls === null) {
        this.#takeHttp2(socket, first);
        return;
      }
      if (protocol === 'neither') {
        this.#countRefused(socket, NOT_HTTP);
        socket.destroy();
        return;
      }
      socket.setTimeout(this.#server.timeout);
      const options: FastPathOptions = {
        socket,
        connection,
        dispatch,
        headBytesMax: () => context.config.headerBytesMax,
        onQuiet: () => this.#onTimeout(socket),
        handOver: (rest) => takeHttp1(socket, rest),
      };
      new FastPath(options, first);
    });
  }

  #takeHttp2(socket: Socket, first: Buffer): void {
    const connection = this.#connections.get(socket);
    if (connection !== undefined) connection.multiplexed = true;
    this.#http2.take(socket, first);
  }

  #onConnection(socket: Socket): ClientConnection {
    const peer = peerOf(socket.remoteAddress, this.#tls !== null, this.#options.trusted());
    const connection = new ClientConnection(linkOf(socket), peer, this.#options.service);
    this.#connections.set(socket, connection);
    // Nothing else listens for moments between two owners, nor for a lifetime behind CONNECT.
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#connections.delete(socket);
      connection.onClose();
      if (this.#connections.size === 0) this.#onEmpty?.();
    });
    return connection;
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connections.get(request.socket);
    // Closed while its request was still being parsed.
    if (connection === undefined) return;
    const { upgrade, 'content-length': length, 'transfer-encoding': coding } = request.headers;
    // Behind an upgrade that was not taken, node's parser reads no further.
    if (upgrade !== undefined) response.shouldKeepAlive = false;
    if (length !== undefined || coding !== undefined) gatherPieces(request);
    this.#pipelineQueueOf(request.socket).take(response, () => {
      if (!connection.closing) this.#options.dispatch({ connection, request, response, upgrade: null });
    });
  }

  #pipelineQueueOf(socket: Socket): PipelineQueue {
    let queue = this.#pipelineQueues.get(socket);
    if (queue === undefined) {
      queue = new PipelineQueue(socket);
      this.#pipelineQueues.set(socket, queue);
    }
    return queue;
  }

  #onUpgrade(request: IncomingMessage, socket: Socket, first: Buffer): void {
    this.#headChecks.forget(socket);
    const connection = this.#connections.get(socket);
    if (connection === undefined) {
      socket.destroy();
      return;
    }
    const onQuiet = (): void => this.#onTimeout(socket);
    this.#options.dispatch({ connection, request, ...takeHandshake({ request, socket, first, onQuiet }) });
  }

  /** Node lets go of the socket here, even when answers are still on their way to it. */
  #onConnect(socket: Socket): void {
    const queue = this.#pipelineQueueOf(socket);
    socket.on('drain', () => queue.drained());
    socket.on('timeout', () => this.#onTimeout(socket));
    const error = new ProxyError('bad-request', 'CONNECT is not supported', { source: 'downstream' });
    queue.takeLast(() => this.#refuse(socket, error));
  }

  #onTimeout(socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined) socket.destroy();
    else connection.onQuiet(socket, this.#options.context.config);
  }

  /** What llhttp refused, or a head that took too long. */
  #onClientError(error: Error & { readonly code?: string }, socket: Socket): void {
    const connection = this.#connections.get(socket);
    const failure = parseFailure(error);
    if (failure === null || connection === undefined) socket.destroy(error);
    else if (connection.closing) return;
    else if (!socket.writable) socket.destroy(error);
    else if (!connection.broken(failure)) this.#pipelineQueueOf(socket).takeLast(() => this.#refuse(socket, failure));
  }

  #refuse(socket: Socket, error: ProxyError): void {
    this.#countRefused(socket, error);
    socket.end(rawErrorAnswer(error), 'latin1');
    socket.destroySoon();
  }

  #countRefused(socket: Socket, { code }: ProxyError): void {
    const { metrics, log, accessLog } = this.#options.context;
    const status = statusOf(code);
    metrics.error(NO_SERVICE, code);
    metrics.withoutService(status);
    if (accessLog) logAccess(log, { ...UNREAD_REQUEST, client: socket.remoteAddress ?? '', status });
  }
}

const NOTHING = Buffer.alloc(0);
const NOT_HTTP = new ProxyError('bad-request', 'neither HTTP/1 nor HTTP/2', { source: 'downstream' });

/** What is known of a request that could not be read. */
const UNREAD_REQUEST = {
  service: null,
  instance: null,
  requestId: null,
  method: '',
  target: '',
  latencyMs: 0,
  attempts: 0,
} as const;

/** When a connection that is quiet is looked at for the first time. */
function quietMs({ bodyIdleTimeoutMs, keepAliveTimeoutMs }: ProxyConfig): number {
  return Math.min(bodyIdleTimeoutMs, keepAliveTimeoutMs);
}
