// One attempt of a request at one instance: what comes back is judged, and written straight to the client.
//
// A plain GET, in brackets the file to read on in:
//
//   constructor   the exchange made it: `router.start` enters it into the books [live-service-router]; its time
//                 limit runs (time-limit.ts)
//   send          `transmit` takes a connection of the instance's pool, or makes one, and sends on it [connection] (transport.ts)
//   onHead        the connection has the head: what is meant for this hop alone is taken off, and the client's `answer` has the rest
//   onData        so it has each piece of the body
//   onEnd         #conclude judges all of it (judgement.ts), `router.finish` learns that, and the slot at the instance is given back;
//                 `exchange.answered` ends the request [exchange]
//
// Long because: everything that an instance may do, or fail to do, in one attempt; what that is worth stands in judgement.ts.

import type { Socket } from 'node:net';
import type { Candidate } from '../../../core/domain.ts';
import type { Ticket } from '../../../core/service-router.ts';
import { reasonOf } from '../../../core/verdict/reason.ts';
import { isRetryable } from '../../../core/verdict/rules.ts';
import type { Account, Verdict } from '../../../core/verdict/table.ts';
import type { EndedBy } from '../../../core/verdict/verdict.ts';
import { RESPONSE_HEAD_BYTES_MAX } from '../../fields/field-lines.ts';
import { type RawFields, RESPONSE_FIELDS, trailersOnly } from '../../fields/fields.ts';
import { headBytes, readResponseHead } from '../../fields/response-head.ts';
import type { InstancePool } from '../../upstream/pool.ts';
import { transmit } from '../../upstream/transport.ts';
import {
  describeError,
  type Transmission,
  type UpstreamCall,
  type UpstreamError,
  type UpstreamHandler,
} from '../../upstream/upstream.ts';
import type { BadEnd } from '../../websocket/verdict.ts';
import type { DrainListener } from '../client/answer.ts';
import { GroupReader } from './group-reader.ts';
import { isAccepted } from './handshake.ts';
import { endedBy, Judgement } from './judgement.ts';
import type { AttemptFailure, AttemptOwner } from './owner.ts';
import { asksForPause, pauseMs } from './retry-after.ts';
import { type LimitedAttempt, TimeLimit } from './time-limit.ts';

/** Bytes and time for reading the rest of a discarded answer, so that its connection can be used again. */
const ASIDE_BYTES_MAX = 65_536;
const ASIDE_MS_MAX = 1000;

/** What an instance that sends nothing in time is to its client. */
const LATE = {
  deadline: { code: 'deadline-exceeded', message: 'the deadline passed before an answer' },
  timeout: { code: 'upstream-timeout', message: 'the instance sent nothing in time' },
} as const;

/** The head of an answer that is not passed on yet. */
interface HeldHead {
  readonly status: number;
  readonly reason: string;
  readonly fields: string[];
}

/** One attempt: made when it starts, `send` follows, and it ends once. */
export class Attempt implements UpstreamHandler, DrainListener, LimitedAttempt {
  readonly #exchange: AttemptOwner;
  readonly candidate: Candidate;
  readonly #pool: InstancePool;
  readonly #ticket: Ticket;
  readonly #limit: TimeLimit;
  #call: UpstreamCall | null = null;
  /** Bytes of all 1xx heads. They are passed on at once, whether or not the client reads, so all of them together get as much as one head. */
  #interimBytes = 0;
  readonly #judgement: Judgement;
  /** Null where requests of the service do not come in groups. */
  #groups: GroupReader | null = null;
  /** The head of a gRPC answer, until its first message or its end: a call that fails without a message may be made again elsewhere. */
  #held: HeldHead | null = null;
  /** Still to be read of an answer that was set aside. */
  #asideBytes = ASIDE_BYTES_MAX;
  #over = false;
  #waitsForClient = false;

  /** Starts counting; `send` follows. */
  constructor(exchange: AttemptOwner, candidate: Candidate, pool: InstancePool, nowMs: number) {
    this.#exchange = exchange;
    this.candidate = candidate;
    this.#pool = pool;
    this.#ticket = exchange.service.router.start(candidate, nowMs, exchange.session, exchange.question);
    this.#judgement = new Judgement(exchange, nowMs);
    this.#limit = new TimeLimit(exchange, this, nowMs);
  }

  /** The client reads slower than the instance sends. */
  get waitsForClient(): boolean {
    return this.#waitsForClient;
  }

  /** Sends it over a connection of the instance's pool; the methods that begin with `on` take what comes back. */
  send(transmission: Transmission): void {
    const call = transmit(this.#pool, transmission, this);
    if (this.#over) call.abort();
    else this.#call = call;
  }

  onConnected(): void {
    if (!this.#over) this.#judgement.sent(this.#exchange.nowMs());
  }

  onInformation(status: number, raw: RawFields): void {
    // Unknown to HTTP/1.0 (RFC 9110 section 15.2).
    if (this.#over || this.#exchange.request.httpVersion === '1.0') return;
    this.#interimBytes += headBytes(raw);
    if (this.#interimBytes > RESPONSE_HEAD_BYTES_MAX) {
      this.#breakOff('the instance sent interim answers without end');
      return;
    }
    this.#exchange.answer.information(status, readResponseHead(status, raw, false).fields);
  }

  onHead(status: number, reason: string, raw: RawFields): void {
    if (this.#over) return;
    const exchange = this.#exchange;
    const head = readResponseHead(status, raw, this.#mayHaveTrailers(status));
    if (head.unknownCoding) {
      this.#breakOff('the instance used a transfer coding that was not asked for');
      return;
    }
    const nowMs = exchange.nowMs();
    this.#judgement.takeHead(status, head, exchange);
    this.#limit.headCame(nowMs);
    this.#heedRetryAfter(raw, nowMs);
    if (isRetryable(this.#judgement, exchange.service.rules) && exchange.takeRetry(this.candidate, nowMs)) {
      this.#setAside(nowMs);
      return;
    }
    this.#judgement.chooseMeasure(head);
    const { group } = exchange.service.config;
    if (group !== null) {
      this.#groups = new GroupReader(group);
      this.#groups.takeHead(head, raw);
    }
    const held = { status, reason, fields: head.fields };
    if (head.grpc && exchange.couldRepeat(this.candidate, nowMs)) this.#held = held;
    else this.#passHead(held, nowMs);
    // The next event may be long in coming.
    if (head.eventStream) this.#limit.stop();
  }

  onUpgrade(fields: RawFields, socket: Socket, first: Buffer): void {
    if (this.#over) {
      socket.destroy();
      return;
    }
    const exchange = this.#exchange;
    const nowMs = exchange.nowMs();
    const upstreamMs = exchange.stopwatch.elapsedMs(nowMs) - this.#judgement.startMs;
    // The handshake is what is measured; how long the connection lives says nothing of the instance, unless it breaks it off.
    this.#judgement.takeHandshake(isAccepted(exchange.request.rawHeaders, fields));
    const account = this.#conclude('answer', nowMs);
    const { router } = exchange.service;
    router.streamBegan(this.candidate);
    socket.once('close', () => router.streamEnded(this.candidate));
    const onBadEnd = (how: BadEnd): void => this.#onBadEnd(how, upstreamMs);
    exchange.upgraded(fields, { socket, first, upstreamMs, account, onBadEnd }, nowMs);
  }

  onData(chunk: Buffer, lent = false): void {
    if (this.#over) {
      this.#asideBytes -= chunk.length;
      if (this.#asideBytes < 0) this.#call?.abort();
      return;
    }
    const exchange = this.#exchange;
    if (this.#held !== null) this.#passHead(this.#held, exchange.nowMs());
    this.#limit.progressed();
    // A short stream is whole by then, and one that breaks at once has broken: it is judged once, by all of it.
    if (this.#judgement.takeChunk(chunk)) setImmediate(judgeStream, this);
    else if (this.#judgement.stalled) this.#reconsider(exchange.nowMs());
    this.#groups?.takeBody(chunk);
    if (lent ? exchange.answer.lend(chunk, this) : exchange.answer.write(chunk, this)) return;
    if (this.#waitsForClient) return;
    this.#waitsForClient = true;
    exchange.stopwatch.waitForClient(exchange.nowMs());
    exchange.service.slowClients.add(exchange);
    this.#call?.pause();
  }

  /** The client caught up. */
  onDrain(): void {
    if (!this.#waitsForClient) return;
    this.#waitsForClient = false;
    this.#exchange.stopwatch.clientReady(this.#exchange.nowMs());
    this.#call?.resume();
  }

  onEnd(trailers: RawFields): void {
    if (this.#over) return;
    const nowMs = this.#exchange.nowMs();
    this.#judgement.takeEnd(trailers);
    if (this.#held !== null) {
      const { rules } = this.#exchange.service;
      if (isRetryable(this.#judgement, rules) && this.#exchange.takeRetry(this.candidate, nowMs)) {
        this.#setAside(nowMs);
        return;
      }
      this.#passHead(this.#held, nowMs);
    }
    const account = this.#conclude('answer', nowMs);
    this.#exchange.answered(this.#judgement, account, trailersOnly(trailers, RESPONSE_FIELDS), nowMs);
    // The client has its answer by now.
    const group = this.#groups?.group ?? null;
    if (group !== null) this.#exchange.record.group(group);
  }

  onError(error: UpstreamError): void {
    if (this.#over) return;
    const { code, cause } = error;
    const progress = this.#judgement.status === 0 ? error.progress : 'answered';
    this.#fail(endedBy(error), { code, progress, message: describeError(error), cause });
  }

  /** The client is gone, or was sent away. Null: the attempt was over. */
  abandon(nowMs: number): Account | null {
    if (this.#over) return null;
    this.#call?.abort();
    // A viewer that has had the beginning of a stream has had what it came for.
    return this.#conclude(this.#judgement.streamBegan && !this.#judgement.isJudged ? 'answer' : 'client', nowMs);
  }

  /** Status of the answer; 0 while there is none. */
  get status(): number {
    return this.#judgement.status;
  }

  /** The first byte of a stream came, and what came along with it. */
  judgeStream(): void {
    if (this.#over || this.#judgement.isJudged) return;
    const { service, record } = this.#exchange;
    const nowMs = this.#exchange.nowMs();
    this.#judge(nowMs);
    service.router.streamBegan(this.candidate);
    record.account(this.status, this.#judgement.account, this.#judgement.elapsedMs(nowMs), nowMs);
    this.#limit.watchPauses(service.config.qos.stallMs);
  }

  /** While a stream runs, so that one that sends nothing more is a miss before it ends. */
  onStallCheck(): boolean {
    if (this.#judgement.stalled) return false;
    const nowMs = this.#exchange.nowMs();
    this.#judgement.checkPause(nowMs);
    if (this.#judgement.stalled) this.#reconsider(nowMs);
    return !this.#judgement.stalled;
  }

  onLate(by: 'deadline' | 'timeout'): void {
    this.#call?.abort(true);
    const progress = this.status === 0 ? 'sent' : 'answered';
    this.#fail(by, { ...LATE[by], progress, cause: null });
  }

  #mayHaveTrailers(status: number): boolean {
    const { httpVersion, method } = this.#exchange.request;
    return httpVersion !== '1.0' && method !== 'HEAD' && status !== 204 && status !== 304;
  }

  #passHead({ status, reason, fields }: HeldHead, nowMs: number): void {
    this.#held = null;
    this.#exchange.describe(fields, this.#limit.heardMs - this.#judgement.startMs, nowMs);
    this.#exchange.answer.head(status, reason, fields);
  }

  /** What the instance answered does not reach the client: another one is asked. The rest of it is read for its connection's sake. */
  #setAside(nowMs: number): void {
    this.#held = null;
    this.#conclude('answer', nowMs);
    if (this.#exchange.isWhole) setTimeout(abort, ASIDE_MS_MAX, this.#call).unref();
    else this.#call?.abort();
    this.#exchange.repeat(this.#judgement, nowMs);
  }

  #fail(by: EndedBy, failure: Omit<AttemptFailure, 'retryable'>): void {
    this.#conclude(by, this.#exchange.nowMs());
    this.#exchange.attemptFailed({ ...failure, retryable: this.#judgement.retryable });
  }

  /** What the instance sends cannot be passed on. */
  #breakOff(message: string): void {
    this.#call?.abort();
    this.#fail('protocol', { code: 'upstream-protocol', progress: 'answered', message, cause: null });
  }

  /** Every attempt ends here, once. Returns what it is for the client. */
  #conclude(by: EndedBy, nowMs: number): Account {
    this.#over = true;
    this.#limit.stop();
    if (this.#waitsForClient) {
      this.#waitsForClient = false;
      this.#exchange.stopwatch.clientReady(nowMs);
    }
    const judgement = this.#judgement;
    judgement.by = by;
    judgement.checkPause(nowMs);
    if (judgement.isJudged) {
      if (judgement.isHollow && this.#isHeldHollow(nowMs)) judgement.by = 'reset';
      this.#reconsider(nowMs);
      this.#exchange.service.router.streamEnded(this.candidate);
    } else this.#judge(nowMs);
    this.#pool.slots.leave();
    return judgement.account;
  }

  /** Once: at the end or, for a stream, at its first byte. The router learns what the attempt was worth. */
  #judge(nowMs: number): void {
    const { router } = this.#exchange.service;
    const judgement = this.#judgement;
    const verdict = judgement.judge(nowMs);
    const result = router.finish(this.#ticket, verdict.evidence, judgement.ownMs(nowMs), nowMs);
    judgement.settle(verdict, result);
    router.recordVerdict(this.candidate, verdict.row, reasonOf(verdict, result, judgement), nowMs);
  }

  /** A stream that was judged a success went on: where it broke or stalled since, that is retracted. */
  #reconsider(nowMs: number): void {
    const judgement = this.#judgement;
    const verdict = judgement.reconsider(nowMs);
    if (verdict !== null) this.#retract(verdict, judgement.elapsedMs(nowMs) - judgement.startMs, nowMs);
  }

  /** A WebSocket that the instance ended badly after its handshake, which took so long. */
  #onBadEnd(how: BadEnd, handshakeMs: number): void {
    const nowMs = this.#exchange.nowMs();
    if (how === 'hollow' && !this.#isHeldHollow(nowMs)) return;
    this.#judgement.by = 'reset';
    const verdict = this.#judgement.reconsider(nowMs);
    if (verdict !== null) this.#retract(verdict, handshakeMs, nowMs);
  }

  /** Whether it is held against the instance, beside the others, that it had nothing to say. */
  #isHeldHollow(nowMs: number): boolean {
    const { router, rules } = this.#exchange.service;
    return rules.relative && router.judgeHollow(this.candidate, nowMs);
  }

  #retract(verdict: Verdict, latencyMs: number, nowMs: number): void {
    const judgement = this.#judgement;
    const { service, record } = this.#exchange;
    service.router.retractSuccess(this.candidate, latencyMs, nowMs);
    service.router.recordVerdict(this.candidate, verdict.row, reasonOf(verdict, 'failed', judgement), nowMs);
    record.retract(nowMs);
  }

  /** Where the head asks for a pause, the router ejects the instance for as long. */
  #heedRetryAfter(fields: RawFields, nowMs: number): void {
    if (!asksForPause(this.#judgement)) return;
    const ms = pauseMs(fields, Date.now());
    if (ms > 0) this.#exchange.service.router.eject(this.candidate, nowMs + ms, nowMs);
  }
}

function abort(call: UpstreamCall | null): void {
  call?.abort();
}

function judgeStream(attempt: Attempt): void {
  attempt.judgeStream();
}
