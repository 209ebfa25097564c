// A request's whole way, top to bottom: begin → collect the body → attempt (→ attempt again) → answer → end.
//
// A plain GET, call by call; in brackets is the file to read on in, whose head goes on in the same way. The methods listed here stand
// in this order:
//
//   [fast-path]      reads the head off the socket and begins an exchange
//   begin, #admit    checks the head, matches the service, sets the deadline; throws where there is no room or no time (arrival/)
//   onBodyReady      there is no body, so the request is in flight; writes the fields that the instance gets (fields/)
//   #route           the router picks an instance [live-service-router]; takes a slot there, or queues for one (upstream/)
//   #send            starts an attempt, which sends the request and reads the answer [attempt]
//
//   attempt.onHead   the head came: the attempt passes it to `answer`, which holds it back for its body (client/)
//   attempt.onData   a piece of the body: on to `answer`
//   attempt.onEnd    judges the attempt, reports it to the router, gives the slot back, and calls `answered`
//   answered, #end   the request is over: metrics, ledger of the client, trace, access log (record/record.ts); then `answer` is ended:
//                    one write to the client where the whole answer came in one turn of the event loop
//   [fast-path]      reads the next request of the connection
//
// Everything else here is what may go wrong, and bodies.
//
// Long because: one request from begin to end, in order; what it decides stands in the files beside it.

import type { Candidate } from '../../core/domain.ts';
import { NO_QUESTION, questionOf } from '../../core/router/questions.ts';
import { NO_GRPC_STATUS } from '../../core/verdict/grpc.ts';
import type { Account } from '../../core/verdict/table.ts';
import type { AttemptEnding } from '../../core/verdict/verdict.ts';
import { ProxyError, type ProxyErrorCode } from '../../errors.ts';
import type { RawFields } from '../fields/fields.ts';
import { fieldValue, listValue } from '../fields/fields.ts';
import { addOwnFields, readResponseHead } from '../fields/response-head.ts';
import { setDeadline, upstreamFields } from '../fields/upstream-fields.ts';
import type { ServiceRuntime } from '../service.ts';
import type { SlotWaiter } from '../upstream/concurrency-limit.ts';
import type { InstancePool } from '../upstream/pool.ts';
import { switchProtocols } from '../websocket/websocket.ts';
import { admitHead, assertFeasible, assertRoom } from './arrival/admission.ts';
import { clientIdOf } from './arrival/client-id.ts';
import type { PlacementWaiter } from './arrival/first-placement.ts';
import { countHop, type LastHopAnswer } from './arrival/max-forwards.ts';
import { matchService } from './arrival/service-match.ts';
import { sessionOf } from './arrival/session-id.ts';
import { Attempt } from './attempt/attempt.ts';
import { EarlierAttempts } from './attempt/earlier-attempts.ts';
import type { AttemptFailure, AttemptOwner, UpgradedUpstream } from './attempt/owner.ts';
import { Answer } from './client/answer.ts';
import type { ExchangeClient } from './client/connection.ts';
import type { ClientRequest } from './client/message.ts';
import { type BodyListener, RequestBody } from './client/request-body.ts';
import { answerLagMs, bodyLagMs } from './client/slow-clients.ts';
import type { ProxyContext } from './context.ts';
import { errorAnswer, statusOf } from './error-response.ts';
import { asProxyError, deadlinePassed, noneOf, ofService, queueFull, serviceFull } from './exchange-errors.ts';
import { CLIENT_GONE, ExchangeRecord } from './record/record.ts';
import { readDeadline, writeDeadline } from './time/baggage-deadlines.ts';
import { Deadline } from './time/deadline.ts';
import { Stopwatch } from './time/stopwatch.ts';

const NONE: readonly number[] = [];
const NO_FIELDS: string[] = [];

/** One request and its answer. `begin` starts it; it ends once, however that comes about. */
export class Exchange implements AttemptOwner, BodyListener, SlotWaiter, PlacementWaiter {
  readonly request: ClientRequest;
  readonly answer: Answer;
  readonly record: ExchangeRecord;
  readonly stopwatch = new Stopwatch();
  readonly #context: ProxyContext;
  readonly #client: ExchangeClient;
  /** What ties requests of this service together; empty: nothing does. */
  session = '';
  deadline = NO_DEADLINE;
  /** Whether the service counts it as in flight. */
  #inFlight = false;
  #body: RequestBody | null = null;
  #fields = NO_FIELDS;
  #attempt: Attempt | null = null;
  /** Null while no attempt has failed. */
  #earlier: EarlierAttempts | null = null;
  /** An attempt failed, so that idle connections are not trusted any more. */
  #brokeOff = false;
  #queued: { readonly candidate: Candidate; readonly pool: InstancePool } | null = null;
  #over = false;

  constructor(context: ProxyContext, client: ExchangeClient) {
    const { connection, request, response } = client;
    this.#context = context;
    this.#client = client;
    this.request = request;
    this.record = new ExchangeRecord(context, client);
    this.answer = new Answer(response, connection);
  }

  /** The service; only once it is matched. */
  get service(): ServiceRuntime {
    const { service } = this.record;
    if (service === null) throw new Error('assertion failed: no service yet');
    return service;
  }

  nowMs(): number {
    return this.#context.nowMs();
  }

  get question(): number {
    if (!this.service.router.comparesQuestions) return NO_QUESTION;
    return questionOf(this.record.clientId, this.request.method ?? '', this.record.head.target);
  }

  /** Takes the request from its first line to the moment the body is wanted. */
  begin(): void {
    this.#client.connection.add(this);
    try {
      const localAnswer = this.#admit();
      if (localAnswer !== null) {
        this.#end(localAnswer.status, 'none', this.nowMs());
        this.#answerItself(localAnswer);
        return;
      }
    } catch (error) {
      this.fail(asProxyError(error));
      return;
    }
    const { head } = this.record;
    if (!head.hasBody) {
      this.onBodyReady();
      return;
    }
    const { config, nowMs, requestFields: fields } = this.#context;
    this.#body = new RequestBody(this.request, this, {
      collectBytesMax: this.service.config.retry.bodyBytesMax,
      bytesMax: config.bodyBytesMax,
      stopwatch: this.stopwatch,
      nowMs,
      fields,
    });
    this.#body.collect(head.contentLength, head.expect !== null);
  }

  /** Everything that can be refused before a byte of the body is read. Returns the answer to what goes no further than here. */
  #admit(): LastHopAnswer | null {
    const context = this.#context;
    const { record } = this;
    const { connection, upgrade } = this.#client;
    const head = admitHead(this.request, context);
    record.head = head;
    if (upgrade !== null && head.hasBody) {
      throw new ProxyError('bad-request', 'a request to switch protocols has a body', { source: 'downstream' });
    }
    const localAnswer = countHop(head, this.request.method ?? '', context.viaName);
    if (localAnswer !== null) return localAnswer;
    const nowMs = this.nowMs();
    record.startTrace(nowMs);
    const service = connection.service ?? matchService(head, context.services, context.config.serviceHeader);
    record.service = service;
    record.clientId = clientIdOf(head.client, connection.peer.address);
    const { affinity } = service.config;
    if (affinity !== null) this.session = sessionOf(affinity, this.request.rawHeaders, record.clientId);
    if (head.unreadDeadline !== null) context.unreadDeadlines.note(head.unreadDeadline, service.name, context);
    if (head.baggage !== null) readDeadline(head, head.baggage, context);
    if (head.chain !== null) record.stage = context.chains?.enter(head.chain, record.clientId, service, nowMs) ?? null;
    // A stage of a chain has what the run has left for it, no matter what the limit of its service is.
    const limitMs = record.stage?.budgetMs ?? service.config.qos.latencyMs;
    this.deadline = new Deadline(limitMs, head.deadlineMs, this.stopwatch);
    record.limitMs = this.deadline.limitMs;
    assertRoom(service, nowMs);
    assertFeasible(service, this.deadline.budgetLeftMs(nowMs), nowMs);
    service.retryBudget.deposit();
    return null;
  }

  /** Puts it in flight, only now: a client that takes its time to send a body takes no other's place. */
  onBodyReady(): void {
    const { service } = this;
    const nowMs = this.nowMs();
    if (service.inFlight >= service.config.limits.inFlightMax && !service.slowClients.makeRoom(nowMs)) {
      this.fail(serviceFull(service.inFlight));
      return;
    }
    this.#inFlight = true;
    service.inFlight++;
    if (this.#body !== null && !this.#body.ended) service.slowClients.add(this);
    this.stopwatch.start(nowMs);
    const { head } = this.record;
    if (head.baggage !== null || this.#context.baggage !== null) {
      writeDeadline(head, this.deadline.askedLeftMs(nowMs), this.#context);
    }
    const via = `${this.request.httpVersion} ${this.#context.viaName}`;
    this.#fields = upstreamFields(head, via, this.#client.connection.peer);
    this.#route(nowMs);
  }

  onBodyFailed(error: ProxyError): void {
    this.fail(error);
  }

  /** Asks the router where to, and sends; an instance that is full makes way for another before the request queues. */
  #route(nowMs: number): void {
    const { service, session } = this;
    if (this.deadline.askedLeftMs(nowMs) <= 0) {
      this.fail(deadlinePassed(this.#earlier === null ? 'downstream' : 'upstream'));
      return;
    }
    const budgetMs = this.deadline.budgetLeftMs(nowMs);
    const { question } = this;
    const info = { clientId: this.record.clientId, budgetMs, session, question, tried: this.#earlier?.tried ?? NONE };
    const first = service.router.route(info, nowMs);
    if (first === null) {
      const timeoutLeftMs = service.config.timeoutMs - this.stopwatch.elapsedMs(nowMs);
      if (timeoutLeftMs > 0 && service.awaits(this, Math.min(this.deadline.askedLeftMs(nowMs), timeoutLeftMs))) return;
      this.fail(noneOf(service));
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
    if (pool.slots.wait(this)) {
      this.#queued = { candidate: first, pool };
      service.slowClients.makeRoom(nowMs, first);
    } else this.fail(queueFull(first));
  }

  onPlaced(): void {
    if (this.#over) return;
    const { successor } = this.service;
    if (successor !== null) this.#moveTo(successor);
    this.#route(this.nowMs());
  }

  /** A reload defined the service otherwise while it waited for an instance. */
  #moveTo(successor: ServiceRuntime): void {
    const { service } = this;
    service.inFlight--;
    service.slowClients.delete(this);
    this.record.service = successor;
    successor.inFlight++;
    if (this.#body !== null && !this.#body.ended) successor.slowClients.add(this);
  }

  onSlot(): void {
    const queued = this.#queued;
    this.#queued = null;
    if (queued !== null) this.#send(queued.candidate, queued.pool, this.nowMs());
  }

  onQueueTimeout(): void {
    const queued = this.#queued;
    this.#queued = null;
    if (queued !== null) this.fail(queueFull(queued.candidate));
  }

  #send(candidate: Candidate, pool: InstancePool, nowMs: number): void {
    const { head } = this.record;
    const body = this.#body;
    const ours = this.#fields;
    if (head.deadlineMs !== null) setDeadline(ours, head, this.deadline.askedLeftMs(nowMs));
    this.record.attemptStarted(ours, candidate, nowMs);
    // HTTP/1.0 may do without Host, HTTP/1.1 may not (RFC 9112 section 3.2).
    const fields = head.host === null ? ['Host', pool.authority, ...ours] : ours;
    const request = { method: this.request.method ?? 'GET', target: head.target, fields };
    const attempt = new Attempt(this, candidate, pool, nowMs);
    this.#attempt = attempt;
    const { contentLength, trailer, expect } = head;
    const framing = { contentLength, trailer, expect, upgrade: this.#client.upgrade === null ? null : head.upgrade };
    attempt.send({ request, framing, body, again: this.#brokeOff });
  }

  answered(ending: AttemptEnding, account: Account, trailers: RawFields, nowMs: number): void {
    const { status, grpcStatus } = ending;
    if (this.#body !== null && !this.#body.ended) this.#body.discard();
    this.record.grpcStatus = grpcStatus;
    this.record.attemptEnded(status, grpcStatus, nowMs);
    this.#end(status, account, nowMs);
    this.answer.end(trailers);
  }

  /** Once, when the request as a whole is over. */
  #end(status: number, account: Account, nowMs: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#client.connection.remove(this);
    if (this.#inFlight) {
      this.service.inFlight--;
      this.service.slowClients.delete(this);
    }
    this.#body?.forget();
    this.record.close(status, account, this.stopwatch.elapsedMs(nowMs), nowMs);
  }

  /** The attempt in flight ended without an answer that could be passed on whole. */
  attemptFailed(failure: AttemptFailure): void {
    const nowMs = this.nowMs();
    this.record.attemptFailed(failure, nowMs);
    const { code, message, cause } = failure;
    if (this.answer.begun) {
      this.#cutOff(code, nowMs);
      return;
    }
    this.#brokeOff = true;
    const { candidate } = this.#lastAttempt;
    if (this.#earlierAttempts.failed(candidate, failure.progress, failure.retryable, nowMs)) {
      this.#route(nowMs);
      return;
    }
    this.fail(new ProxyError(code, message, { source: 'upstream', cause, context: { instance: candidate.key } }));
  }

  couldRepeat(candidate: Candidate, nowMs: number): boolean {
    return this.#earlierAttempts.couldRepeat(candidate, nowMs);
  }

  takeRetry(candidate: Candidate, nowMs: number): boolean {
    return this.#earlierAttempts.takeRetry(candidate, nowMs);
  }

  repeat({ status, grpcStatus }: AttemptEnding, nowMs: number): void {
    this.record.attemptEnded(status, grpcStatus, nowMs);
    this.#earlierAttempts.setAside(this.#lastAttempt.candidate);
    this.#route(nowMs);
  }

  get #lastAttempt(): Attempt {
    if (this.#attempt === null) throw new Error('assertion failed: no attempt yet');
    return this.#attempt;
  }

  get #earlierAttempts(): EarlierAttempts {
    const { request, service, deadline } = this;
    this.#earlier ??= new EarlierAttempts({ request, service, deadline, body: this.#body });
    return this.#earlier;
  }

  get upgrades(): boolean {
    return this.#client.upgrade !== null;
  }

  /** Every byte of the request has been read. */
  get isWhole(): boolean {
    return this.#body === null || this.#body.whole !== null;
  }

  /** The instance switched protocols: from here on the two ends talk for themselves. */
  upgraded(raw: RawFields, upstream: UpgradedUpstream, nowMs: number): void {
    const { connection, upgrade } = this.#client;
    if (upgrade === null) throw new Error('assertion failed: no switch of protocols was asked for');
    const { fields } = readResponseHead(101, raw, false);
    fields.push('Connection', 'Upgrade', 'Upgrade', this.record.head.upgrade ?? '');
    this.describe(fields, upstream.upstreamMs, nowMs);
    const client = { socket: upgrade.socket, first: upgrade.detach() };
    const stallTimeoutMs = this.#context.config.bodyIdleTimeoutMs;
    const isWebSocket = this.record.head.upgrade?.toLowerCase() === 'websocket';
    const onBadEnd = isWebSocket ? upstream.onBadEnd : null;
    const extensions = listValue(fields, 'sec-websocket-extensions');
    connection.pipe = switchProtocols({ client, upstream, stallTimeoutMs, extensions, onBadEnd }, fields);
    this.record.attemptEnded(101, NO_GRPC_STATUS, nowMs);
    this.#end(101, upstream.account, nowMs);
  }

  /** Answers with an error of our own; every failure before the head ends here. */
  fail(error: ProxyError): void {
    if (this.#over) return;
    const nowMs = this.nowMs();
    this.record.failed(error.code);
    this.#attempt?.abandon(nowMs);
    this.#leaveQueues();
    if (this.answer.begun) {
      this.#cutOff(error.code, nowMs);
      return;
    }
    const { service, head } = this.record;
    const named = service === null ? error : ofService(error, service.name);
    const contentType = fieldValue(this.request.rawHeaders, 'content-type') ?? '';
    const { status, closes, grpcStatus, fields, body } = errorAnswer(named, head.requestId, contentType);
    this.record.grpcStatus = grpcStatus;
    this.#end(status, error.source === 'downstream' ? 'none' : 'failed', nowMs);
    this.#body?.discard();
    if (closes) this.#client.connection.closing = true;
    this.#answerItself({ status, fields, body });
  }

  /** It waits for no slot and no instance any more. */
  #leaveQueues(): void {
    this.#queued?.pool.slots.cancel(this);
    this.#queued = null;
    this.record.service?.firstPlacement.cancel(this);
  }

  #answerItself({ status, fields, body }: LastHopAnswer): void {
    const { connection, response } = this.#client;
    if (this.#context.draining && !connection.closing) fields.push('Connection', 'close');
    response.writeHead(status, fields);
    response.end(body);
  }

  /** The client went away: an answer has no reader any more. */
  clientGone(): void {
    if (this.#over) return;
    const nowMs = this.nowMs();
    this.#leaveQueues();
    const attempt = this.#attempt;
    const inTime = this.deadline.isKept(this.stopwatch.elapsedMs(nowMs));
    const account = attempt?.abandon(nowMs) ?? (inTime ? 'none' : 'failed');
    if (attempt !== null && account === 'success') {
      // The viewer of a stream that has begun.
      this.record.attemptEnded(attempt.status, NO_GRPC_STATUS, nowMs);
      this.#end(attempt.status, account, nowMs);
    } else {
      this.record.clientGone();
      this.#end(CLIENT_GONE, account, nowMs);
    }
    this.#body?.discard();
  }

  /** The client neither sends nor takes a byte for too long, while it is its turn. */
  clientTooSlow(): void {
    if (this.answer.begun) this.#client.connection.destroy();
    else this.fail(new ProxyError('request-timeout', 'the client sent no body byte in time', { source: 'downstream' }));
  }

  get candidate(): Candidate | null {
    return this.#attempt?.candidate ?? null;
  }

  lagMs(nowMs: number): number {
    if (this.#attempt?.waitsForClient === true) return answerLagMs(this.stopwatch.waitingMs(nowMs));
    if (this.#body?.waitsForClient !== true) return Number.NEGATIVE_INFINITY;
    const lagMs = bodyLagMs(this.stopwatch.clientMs(nowMs), this.#body.bytes);
    // A call that talks both ways may be silent for a while.
    return this.answer.begun ? lagMs - this.#context.config.bodyIdleTimeoutMs : lagMs;
  }

  /** A client that is slow costs another its place. */
  makeWay(): void {
    this.clientTooSlow();
    this.clientGone();
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

  describe(fields: string[], upstreamMs: number, nowMs: number): void {
    const { viaName, config, draining } = this.#context;
    const ownMs = this.stopwatch.elapsedMs(nowMs) - upstreamMs;
    const instance = this.#attempt?.candidate.key ?? '';
    addOwnFields(fields, viaName, config.responseHeaders ? { instance, ownMs, upstreamMs } : null);
    if (draining || (this.#body !== null && !this.#body.ended)) fields.push('Connection', 'close');
    else if (this.#client.response.shouldKeepAlive) {
      fields.push('Keep-Alive', `timeout=${Math.floor(config.keepAliveTimeoutMs / 1000)}`);
    }
  }

  /** A cut-off answer must never look whole. */
  #cutOff(code: ProxyErrorCode, nowMs: number): void {
    this.record.cutOff(code);
    this.#end(statusOf(code), 'failed', nowMs);
    this.#body?.discard();
    this.answer.reset();
  }
}

const NO_DEADLINE = new Deadline(0, null, new Stopwatch());
