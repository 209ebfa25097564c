// A request's whole way, top to bottom: begin → collect the body → try (→ try again) → answer → settle.
//
// Long because: one request from begin to settle, in order; what it decides stands in the files beside it.

import type { Socket } from 'node:net';
import type { Candidate } from '../../core/domain.ts';
import { NO_GRPC_STATUS } from '../../core/verdict/grpc.ts';
import type { Account } from '../../core/verdict/table.ts';
import type { TryEnding } from '../../core/verdict/verdict.ts';
import { ProxyError, type ProxyErrorCode } from '../../errors.ts';
import type { RequestTrace } from '../../telemetry/traces/request-trace.ts';
import type { RawFields } from '../fields/fields.ts';
import { fieldValue, hasField } from '../fields/fields.ts';
import { RequestHead } from '../fields/request-head.ts';
import { addOwnFields, readResponseHead } from '../fields/response-head.ts';
import { setDeadline, upstreamFields } from '../fields/upstream-fields.ts';
import { NO_SERVICE } from '../metrics.ts';
import type { ServiceRuntime } from '../service.ts';
import type { Waiter } from '../upstream/concurrency-limit.ts';
import type { InstancePool } from '../upstream/pool.ts';
import { transmit } from '../upstream/transport.ts';
import type { SendProgress } from '../upstream/upstream.ts';
import { switchProtocols } from '../websocket/websocket.ts';
import { logAccess } from './access-log.ts';
import { Answer } from './answer.ts';
import { Attempt, type AttemptFailure } from './attempt.ts';
import type { AttemptOwner, UpgradedUpstream } from './attempt-owner.ts';
import { clientIdOf } from './client-id.ts';
import type { ClientRequest, ClientResponse } from './client-message.ts';
import type { ProxyContext } from './context.ts';
import { Deadline } from './deadline.ts';
import { type ErrorAnswer, errorAnswer, grpcErrorAnswer, statusOf } from './error-response.ts';
import type { ExchangeConnection } from './exchange-connection.ts';
import { admitHead, assertReachable, assertRoom } from './load-shedding.ts';
import { countHop, type LastHopAnswer } from './max-forwards.ts';
import { type BodyListener, RequestBody } from './request-body.ts';
import { couldRepeat, type FailedTry, isFree, mayRetry } from './retry.ts';
import { restMs } from './retry-after.ts';
import { matchService } from './service-match.ts';
import { sessionOf } from './session-id.ts';
import { Stopwatch } from './stopwatch.ts';

/** Who an exchange is with. */
export interface ExchangeClient {
  readonly connection: ExchangeConnection;
  readonly request: ClientRequest;
  readonly response: ClientResponse;
  readonly upgrade: ClientUpgrade | null;
}

/** A client that wants to switch protocols. */
export interface ClientUpgrade {
  readonly socket: Socket;
  /** Takes the socket away from the response that would have answered on it. What came behind the head. */
  detach(): Buffer;
}

/** Status that is counted for a request whose client went away before its answer; nobody ever sees it. */
const CLIENT_GONE = 499;

const NONE: readonly number[] = [];

export class Exchange implements AttemptOwner<AttemptFailure>, BodyListener, Waiter {
  readonly request: ClientRequest;
  readonly answer: Answer;
  readonly stopwatch = new Stopwatch();
  readonly #context: ProxyContext;
  readonly #connection: ExchangeConnection;
  readonly #response: ClientResponse;
  /** What a client that wants to switch protocols sent behind its head; null for everybody else. */
  readonly #upgrade: ClientUpgrade | null;
  #head = EMPTY_HEAD;
  #deadline = NO_DEADLINE;
  /** Null where this request is not traced. */
  #trace: RequestTrace | null = null;
  #service: ServiceRuntime | null = null;
  #admitted = false;
  #clientId = '';
  /** What ties requests of this service together; empty: nothing does. */
  session = '';
  #body: RequestBody | null = null;
  #fields: string[] = [];
  #attempt: Attempt | null = null;
  #attempts = 0;
  #resends = 0;
  /** The last try broke off, so that idle connections are not trusted any more. */
  #brokeOff = false;
  #tried: readonly number[] = NONE;
  #queued: { readonly candidate: Candidate; readonly pool: InstancePool } | null = null;
  /** When it went into the books, NaN before; and what was on the stopwatch then. */
  #enteredMs = Number.NaN;
  #entryMs = 0;
  /** Of the answer, where it is one of gRPC. */
  #grpcStatus = NO_GRPC_STATUS;
  #over = false;

  constructor(context: ProxyContext, client: ExchangeClient) {
    const { connection, request, response, upgrade } = client;
    this.#context = context;
    this.#connection = connection;
    this.request = request;
    this.#response = response;
    this.#upgrade = upgrade;
    this.answer = new Answer(response, () => connection.reset());
  }

  /** The service; only once it is matched. */
  get service(): ServiceRuntime {
    if (this.#service === null) throw new Error('assertion failed: no service yet');
    return this.#service;
  }

  nowMs(): number {
    return this.#context.nowMs();
  }

  /** From the first line to the moment the body is wanted. */
  begin(): void {
    this.#connection.add(this);
    try {
      const own = this.#admit();
      if (own !== null) {
        this.#settle(own.status, 'none', this.nowMs());
        this.#answerItself(own);
        return;
      }
    } catch (error) {
      this.fail(asProxyError(error));
      return;
    }
    const head = this.#head;
    if (!head.hasBody) {
      this.onBodyReady();
      return;
    }
    const limits = {
      collectBytesMax: this.service.config.retry.bodyBytesMax,
      bytesMax: this.#context.config.bodyBytesMax,
    };
    const { nowMs, requestFields: fields } = this.#context;
    this.#body = new RequestBody(this.request, limits, this, { stopwatch: this.stopwatch, nowMs, fields });
    this.#body.collect(head.contentLength, head.expect !== null);
  }

  /** Everything that can be refused before a byte of the body is read. Returns the answer to what goes no further than here. */
  #admit(): LastHopAnswer | null {
    const context = this.#context;
    const head = admitHead(this.request, context);
    this.#head = head;
    if (this.#upgrade !== null && head.hasBody) {
      throw new ProxyError('bad-request', 'a request to switch protocols has a body', { source: 'downstream' });
    }
    const own = countHop(head, this.request.method ?? '', context.viaName);
    if (own !== null) return own;
    if (context.tracer !== null) this.#trace = context.tracer.begin(head.fields, this.nowMs());
    const service = matchService(this.#connection.service, head, context.services, context.config.serviceHeader);
    this.#service = service;
    this.#clientId = clientIdOf(head.client, this.#connection.peer.address);
    const { affinity } = service.config;
    if (affinity !== null) this.session = sessionOf(affinity, this.request.rawHeaders, this.#clientId);
    this.#deadline = new Deadline(service.config.qos.latencyMs, head.deadlineMs, this.stopwatch);
    const nowMs = this.nowMs();
    assertRoom(service);
    assertReachable(service, this.#deadline.budgetLeftMs(nowMs), nowMs);
    service.retryBudget.deposit();
    return null;
  }

  /** From here on it is in flight: a client that takes its time to send a body takes no other's place. */
  onBodyReady(): void {
    try {
      assertRoom(this.service);
    } catch (error) {
      this.fail(asProxyError(error));
      return;
    }
    this.#admitted = true;
    this.service.inFlight++;
    this.stopwatch.start(this.nowMs());
    const via = `${this.request.httpVersion} ${this.#context.viaName}`;
    this.#fields = upstreamFields(this.#head, via, this.#connection.peer);
    this.#try();
  }

  onBodyFailed(error: ProxyError): void {
    this.fail(error);
  }

  /** Asks the router where to, and sends; an instance that is full makes way for another before anybody queues. */
  #try(): void {
    const nowMs = this.nowMs();
    const { service } = this;
    if (this.#deadline.askedLeftMs(nowMs) <= 0) {
      this.fail(new ProxyError('deadline-exceeded', 'the deadline passed before a try', { source: 'downstream' }));
      return;
    }
    const budgetMs = this.#deadline.budgetLeftMs(nowMs);
    const { session } = this;
    const info = { clientId: this.#clientId, budgetMs, attempt: this.#attempts, session, tried: this.#tried };
    const first = service.router.route(info, nowMs);
    if (first === null) {
      this.fail(service.router.lastTier === 'shed' ? shed() : noInstance());
      return;
    }
    for (let candidate: Candidate | null = first; candidate !== null; ) {
      const pool = service.poolOf(candidate);
      if (pool.slots.enter()) {
        this.#send(candidate, pool, nowMs);
        return;
      }
      info.tried = [...info.tried, candidate.handle];
      candidate = info.tried.length < service.router.candidates.length ? service.router.route(info, nowMs) : null;
    }
    const pool = service.poolOf(first);
    if (pool.slots.wait(this)) this.#queued = { candidate: first, pool };
    else this.fail(this.#overloaded(first));
  }

  onSlot(): void {
    const queued = this.#queued;
    this.#queued = null;
    if (queued !== null) this.#send(queued.candidate, queued.pool, this.nowMs());
  }

  onQueueTimeout(): void {
    const queued = this.#queued;
    this.#queued = null;
    if (queued !== null) this.fail(this.#overloaded(queued.candidate));
  }

  #send(candidate: Candidate, pool: InstancePool, nowMs: number): void {
    const head = this.#head;
    const body = this.#body;
    const ours = this.#fields;
    if (head.deadlineMs !== null) setDeadline(ours, head, this.#deadline.askedLeftMs(nowMs));
    this.#trace?.tryStarted(ours, candidate, nowMs);
    // HTTP/1.0 may do without Host, HTTP/1.1 may not (RFC 9112 section 3.2).
    const fields = head.host === null ? ['Host', pool.authority, ...ours] : ours;
    const request = { method: this.request.method ?? 'GET', target: head.target, fields };
    const attempt = new Attempt(this, candidate, pool, nowMs);
    this.#attempt = attempt;
    const { contentLength, trailer, expect } = head;
    const framing = { contentLength, trailer, expect, upgrade: this.#upgrade === null ? null : head.upgrade };
    attempt.send((handler) => transmit(pool, { request, framing, body, again: this.#brokeOff }, handler));
  }

  /** The one try in flight ended without an answer that could be passed on whole. */
  tryFailed(failure: AttemptFailure): void {
    const { service } = this;
    const nowMs = this.nowMs();
    const instance = this.#attempt?.candidate.key ?? '';
    this.#context.log.debug({ service: service.name, instance, code: failure.code, err: failure.cause }, 'try failed');
    this.#trace?.tryEnded(nowMs, { error: failure.code });
    if (failure.progress === 'own') this.#context.ownFaults.seen(failure.cause, nowMs);
    if (this.answer.begun) {
      this.#cutOff(failure.code, nowMs);
      return;
    }
    this.#brokeOff = true;
    this.#tried = [...this.#tried, this.#attempt?.candidate.handle ?? -1];
    const failed = this.#failedTry(failure.progress, failure.retryable, nowMs);
    if (mayRetry(failed, service.config.retry, service.retryBudget, nowMs)) {
      if (isFree(failed)) this.#resends++;
      else this.#attempts++;
      if (failure.progress !== 'unprocessed') service.metrics.retried();
      this.#try();
      return;
    }
    const context = { service: service.name, instance };
    this.fail(new ProxyError(failure.code, failure.message, { source: 'upstream', cause: failure.cause, context }));
  }

  /** Whether the answer of this instance could be set aside for another's. */
  couldRepeat({ handle }: Candidate, nowMs: number): boolean {
    return couldRepeat(this.#failedTry('answered', true, nowMs, handle), this.service.config.retry);
  }

  /** Whether the answer of this instance is set aside for another's: takes from the budget when it is. */
  takesRepeat({ handle }: Candidate, nowMs: number): boolean {
    const { config, retryBudget } = this.service;
    return mayRetry(this.#failedTry('answered', true, nowMs, handle), config.retry, retryBudget, nowMs);
  }

  /** Asks another instance, the answer of the last one set aside. */
  repeat({ status, grpcStatus }: TryEnding, nowMs: number): void {
    this.#trace?.tryEnded(nowMs, { status, grpcStatus: knownGrpcStatus(grpcStatus) });
    this.#tried = [...this.#tried, this.#attempt?.candidate.handle ?? -1];
    this.#attempts++;
    this.service.metrics.retried();
    this.#try();
  }

  /** Every byte of the request has been read. */
  get isWhole(): boolean {
    return this.#body === null || this.#body.whole !== null;
  }

  /** The instance asks to be left alone for a while. */
  rest(candidate: Candidate, fields: RawFields, nowMs: number): void {
    const ms = restMs(fields, Date.now());
    if (ms > 0) this.service.router.rest(candidate, nowMs + ms, nowMs);
  }

  /** What decides about another try; `handle`: of an instance whose try is not over yet. */
  #failedTry(progress: SendProgress, answerRetryable: boolean, nowMs: number, handle = -1): FailedTry {
    const { candidates } = this.service.router;
    const isUntried = (one: Candidate): boolean => one.handle !== handle && !this.#tried.includes(one.handle);
    return {
      progress,
      answerRetryable,
      method: this.request.method ?? 'GET',
      idempotencyKey: hasField(this.request.rawHeaders, 'idempotency-key'),
      replayable: this.#body === null || this.#body.replayable,
      attempt: this.#attempts,
      resends: this.#resends,
      budgetLeftMs: this.#deadline.budgetLeftMs(nowMs),
      askedLeftMs: this.#deadline.askedLeftMs(nowMs),
      candidates: candidates.length,
      untried: candidates.filter(isUntried).length,
    };
  }

  /** The instance has said everything. `account`: what it is for the client. */
  answered(ending: TryEnding, account: Account, trailers: RawFields, nowMs: number): void {
    const { status, grpcStatus } = ending;
    if (this.#body !== null && !this.#body.ended) this.#body.discard();
    this.#grpcStatus = grpcStatus;
    this.#trace?.tryEnded(nowMs, { status, grpcStatus: knownGrpcStatus(grpcStatus) });
    this.#settle(status, account, nowMs);
    this.answer.end(trailers);
  }

  /** Into the books of the service and of the client, once: at the end, and for a stream when it has begun. */
  enter(status: number, account: Account, elapsedMs: number, nowMs: number): void {
    const { metrics, router } = this.service;
    this.#enteredMs = nowMs;
    this.#entryMs = elapsedMs;
    metrics.answered(status, elapsedMs);
    if (account !== 'none') router.settle(this.#clientId, account === 'success', nowMs);
  }

  /** The stream that was entered as a success is none any more. */
  tookBack(nowMs: number): void {
    if (!Number.isNaN(this.#enteredMs)) this.service.router.unsettle(this.#clientId, this.#enteredMs, nowMs);
  }

  /** The instance switched protocols: from here on the two ends talk for themselves. */
  upgraded(raw: RawFields, upstream: UpgradedUpstream, nowMs: number): void {
    const client = this.#upgrade;
    if (client === null) {
      upstream.socket.destroy();
      this.fail(new ProxyError('upstream-protocol', 'the instance switched protocols unasked', { source: 'upstream' }));
      return;
    }
    const { fields } = readResponseHead(101, raw, false);
    fields.push('Connection', 'Upgrade', 'Upgrade', this.#head.upgrade ?? '');
    this.describe(fields, upstream.upstreamMs, nowMs);
    const { socket } = client;
    const first = client.detach();
    const stallTimeoutMs = this.#context.config.bodyIdleTimeoutMs;
    this.#connection.pipe = switchProtocols({ client: { socket, first }, upstream, stallTimeoutMs }, fields);
    this.#trace?.tryEnded(nowMs, { status: 101 });
    this.#settle(101, upstream.account, nowMs);
  }

  /** Answers with an error of our own; every failure before the head ends here. */
  fail(error: ProxyError): void {
    if (this.#over) return;
    const nowMs = this.nowMs();
    const service = this.#service?.name ?? NO_SERVICE;
    this.#context.metrics.error(service, error.code);
    this.#trace?.failed(error.code);
    this.#attempt?.abandon(nowMs);
    if (this.answer.begun) {
      this.#cutOff(error.code, nowMs);
      return;
    }
    const told = service === '' || error.context.service !== undefined ? error : withService(error, service);
    const { status, closes, grpcStatus, fields, body } = this.#errorAnswer(told);
    this.#grpcStatus = grpcStatus;
    this.#settle(status, error.source === 'downstream' ? 'none' : 'miss', nowMs);
    this.#body?.discard();
    if (closes) this.#connection.closing = true;
    this.#answerItself({ status, fields, body });
  }

  /** In the form that the client understands, which may have said so in a head that was refused. */
  #errorAnswer(error: ProxyError): ErrorAnswer {
    const { requestId } = this.#head;
    const contentType = fieldValue(this.request.rawHeaders, 'content-type') ?? '';
    if (contentType.startsWith('application/grpc')) return grpcErrorAnswer(error, requestId, contentType);
    return errorAnswer(error, requestId);
  }

  #answerItself({ status, fields, body }: LastHopAnswer): void {
    if (this.#context.draining && !this.#connection.closing) fields.push('Connection', 'close');
    this.#response.writeHead(status, fields);
    this.#response.end(body);
  }

  /** The client went away: nobody waits for an answer any more. */
  clientGone(): void {
    if (this.#over) return;
    const nowMs = this.nowMs();
    this.#queued?.pool.slots.cancel(this);
    this.#queued = null;
    const account = this.#attempt?.abandon(nowMs) ?? (this.isInTime(this.stopwatch.elapsedMs(nowMs)) ? 'none' : 'miss');
    if (account === 'success') {
      // The viewer of a stream that has begun.
      this.#trace?.tryEnded(nowMs, { status: this.#attempt?.status ?? 0 });
      this.#settle(this.#attempt?.status ?? 0, account, nowMs);
    } else {
      this.#trace?.failed('client-gone');
      this.#settle(CLIENT_GONE, account, nowMs);
    }
    this.#body?.discard();
  }

  /** The client neither sends nor takes a byte for too long, while it is its turn. */
  clientTooSlow(): void {
    if (this.answer.begun) this.#connection.destroy();
    else this.fail(new ProxyError('request-timeout', 'the client sent no body byte in time', { source: 'downstream' }));
  }

  /** A broken body is this request's own fault, garbage behind a whole one is not. */
  clientBroken(error: ProxyError): boolean {
    if (this.#body === null || this.#body.ended) return false;
    this.fail(error);
    return true;
  }

  get waitsForClient(): boolean {
    return this.#body?.waitsForClient === true || this.#attempt?.waitsForClient === true;
  }

  /** Whether an answer that comes when `elapsedMs` are on the stopwatch is of use to the client. */
  isInTime(elapsedMs: number): boolean {
    return this.#deadline.isKept(elapsedMs);
  }

  /** Until the client stops waiting, ms; +Infinity when it did not say. */
  askedLeftMs(nowMs: number): number {
    return this.#deadline.askedLeftMs(nowMs);
  }

  /** Adds what this proxy has to say to the fields of an instance's answer. */
  describe(fields: string[], upstreamMs: number, nowMs: number): void {
    const { viaName, config, draining } = this.#context;
    const ownMs = this.stopwatch.elapsedMs(nowMs) - upstreamMs;
    const instance = this.#attempt?.candidate.key ?? '';
    addOwnFields(fields, viaName, config.responseHeaders ? { instance, ownMs, upstreamMs } : null);
    if (draining || (this.#body !== null && !this.#body.ended)) fields.push('Connection', 'close');
    else if (this.#response.shouldKeepAlive) {
      fields.push('Keep-Alive', `timeout=${Math.floor(config.keepAliveTimeoutMs / 1000)}`);
    }
  }

  #overloaded(candidate: Candidate): ProxyError {
    const instance = candidate.key;
    return new ProxyError('overloaded', 'the instance and the queue in front of it are full', {
      source: 'internal',
      context: { service: this.service.name, instance },
    });
  }

  /** A cut-off answer must never look whole. */
  #cutOff(code: ProxyErrorCode, nowMs: number): void {
    this.#trace?.failed(code);
    this.#settle(statusOf(code), 'miss', nowMs);
    this.#body?.discard();
    this.answer.reset();
  }

  /** Once, when the request as a whole is over. */
  #settle(status: number, account: Account, nowMs: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#connection.remove(this);
    const service = this.#service;
    if (this.#trace !== null) this.#endTrace(this.#trace, status, nowMs);
    if (service === null) {
      this.#context.metrics.withoutService(status);
      if (this.#context.accessLog) this.#log(null, status, 0);
      return;
    }
    if (this.#admitted) service.inFlight--;
    if (this.#grpcStatus !== NO_GRPC_STATUS) service.metrics.grpcEnded(this.#grpcStatus);
    this.#body?.forget();
    if (Number.isNaN(this.#enteredMs)) this.enter(status, account, this.stopwatch.elapsedMs(nowMs), nowMs);
    if (this.#context.accessLog) this.#log(service.name, status, this.#entryMs);
  }

  #endTrace(trace: RequestTrace, status: number, nowMs: number): void {
    const { target, host, requestId } = this.#head;
    trace.end(nowMs, status === CLIENT_GONE ? 0 : status, {
      method: this.request.method ?? '',
      target,
      scheme: this.#connection.peer.proto,
      host,
      httpVersion: this.request.httpVersion,
      service: this.#service?.name ?? null,
      client: this.#clientId,
      requestId,
      grpcStatus: knownGrpcStatus(this.#grpcStatus),
    });
  }

  #log(service: string | null, status: number, latencyMs: number): void {
    logAccess(this.#context.log, {
      service,
      instance: this.#attempt?.candidate.key ?? null,
      client: this.#clientId || this.#connection.peer.address,
      requestId: this.#head.requestId,
      method: this.request.method ?? '',
      target: this.#head.target || (this.request.url ?? ''),
      status,
      ...(this.#grpcStatus === NO_GRPC_STATUS ? {} : { grpcStatus: this.#grpcStatus }),
      latencyMs,
      tries: this.#attempts + this.#resends + (this.#attempt === null ? 0 : 1),
    });
  }
}

function knownGrpcStatus(status: number): number | null {
  return status === NO_GRPC_STATUS ? null : status;
}

const EMPTY_HEAD = new RequestHead();
const NO_DEADLINE = new Deadline(0, null, new Stopwatch());

function withService(error: ProxyError, service: string): ProxyError {
  const { source, retryable, cause } = error;
  return new ProxyError(error.code, error.message, {
    source,
    retryable,
    cause,
    context: { ...error.context, service },
  });
}

function asProxyError(error: unknown): ProxyError {
  if (error instanceof ProxyError) return error;
  return new ProxyError('internal', 'unexpected failure inside the proxy', { source: 'internal', cause: error });
}

function noInstance(): ProxyError {
  return new ProxyError('no-instance', 'the service has no instance', { source: 'internal' });
}

function shed(): ProxyError {
  return new ProxyError('overloaded', 'no instance has room for one more in time', { source: 'internal' });
}
