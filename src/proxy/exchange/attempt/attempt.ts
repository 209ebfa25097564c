// One attempt of a request at one instance: what comes back is judged for the router and written straight to the client.
//
// Long because: one attempt from its first byte to its verdict; its limits and its answer share one state.

import type { Socket } from 'node:net';
import type { Candidate } from '../../../core/domain.ts';
import type { Ticket } from '../../../core/service-router.ts';
import { reasonOf } from '../../../core/verdict/reason.ts';
import { isRetryable } from '../../../core/verdict/rules.ts';
import type { Account, Verdict } from '../../../core/verdict/table.ts';
import { accountOf, type EndedBy, verdictAfterFirstByte, verdictOf } from '../../../core/verdict/verdict.ts';
import { RESPONSE_HEAD_BYTES_MAX } from '../../fields/field-lines.ts';
import { type RawFields, RESPONSE_FIELDS, trailersOnly } from '../../fields/fields.ts';
import { headBytes, type ResponseHead, readResponseHead } from '../../fields/response-head.ts';
import type { InstancePool } from '../../upstream/pool.ts';
import {
  describeError,
  type SendProgress,
  type UpstreamCall,
  type UpstreamError,
  type UpstreamHandler,
} from '../../upstream/upstream.ts';
import type { DrainListener } from '../client/answer.ts';
import { Timed } from '../time/timeout-list.ts';
import type { AttemptFailure, AttemptOwner } from './owner.ts';
import { isAskingForRest, restMs } from './retry-after.ts';
import { SeenAnswer } from './seen-answer.ts';
import { StreamPace } from './stream-pace.ts';

/** An instance counts whole milliseconds of a deadline, so that it passes there by as much earlier. */
const DEADLINE_MS_EARLY = 1;

/** A timer that fires early by rounding is not set again for less. */
const REARM_MS_MIN = 5;

/** Of an answer that is set aside, so much is read before its connection is given up instead; and for so long. */
const ASIDE_BYTES_MAX = 65_536;
const ASIDE_MS_MAX = 1000;

/** The head of an answer that is not passed on yet. */
interface HeldHead {
  readonly status: number;
  readonly reason: string;
  readonly fields: string[];
}

export class Attempt extends Timed implements UpstreamHandler, DrainListener {
  readonly #exchange: AttemptOwner;
  readonly candidate: Candidate;
  readonly #pool: InstancePool;
  readonly #ticket: Ticket;
  /** On the exchange's stopwatch. */
  readonly #startMs: number;
  /** When the request left: what connecting took says nothing of the instance. */
  #sentMs: number;
  #progressMs: number;
  /** How long the head may take: the service's timeout, or less when the client said that it will not wait so long. */
  readonly #headLimitMs: number;
  readonly #byDeadline: boolean;
  /** Only for limits that are not the service's own timeout. */
  #timer: NodeJS.Timeout | null = null;
  #call: UpstreamCall | null = null;
  /** Of all 1xx heads. They are passed on at once, whether or not the client reads, so all of them together get as much as one head. */
  #interimBytes = 0;
  readonly #seen = new SeenAnswer();
  /** What the attempt is worth: known at its end, of a stream at its first byte. */
  #verdict: Verdict | null = null;
  #account: Account = 'none';
  /** Of an answer that is judged at the first byte of its body; null for others. */
  #pace: StreamPace | null = null;
  /** Of gRPC, until its first message or its end: a call that fails without a message may be made again elsewhere. */
  #held: HeldHead | null = null;
  /** Still to be read of an answer that was set aside. */
  #asideBytes = ASIDE_BYTES_MAX;
  /** Something came since `#progressMs`. */
  #progressed = false;
  #over = false;
  #draining = false;

  /** Starts counting; `send` follows. */
  constructor(exchange: AttemptOwner, candidate: Candidate, pool: InstancePool, nowMs: number) {
    super();
    this.#exchange = exchange;
    this.candidate = candidate;
    this.#pool = pool;
    this.#ticket = exchange.service.router.start(candidate, nowMs, exchange.session);
    this.#startMs = exchange.stopwatch.elapsedMs(nowMs);
    this.#sentMs = this.#startMs;
    this.#progressMs = this.#startMs;
    const { timeoutMs } = exchange.service.config;
    const askedLeftMs = exchange.deadline.askedLeftMs(nowMs);
    this.#byDeadline = askedLeftMs < timeoutMs;
    this.#headLimitMs = Math.max(1, Math.min(timeoutMs, askedLeftMs));
    if (this.#byDeadline) this.#timer = setTimeout(checkTimeout, this.#headLimitMs, this);
    else exchange.service.timeouts.add(this, nowMs);
  }

  /** The client reads slower than the instance sends. */
  get waitsForClient(): boolean {
    return this.#draining;
  }

  send(transmit: (handler: UpstreamHandler) => UpstreamCall): void {
    const call = transmit(this);
    if (this.#over) call.abort();
    else this.#call = call;
  }

  onConnected(): void {
    if (!this.#over) this.#sentMs = this.#exchange.stopwatch.elapsedMs(this.#exchange.nowMs());
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
    this.#seen.takeHead(status, head, exchange.request);
    this.#progressMs = exchange.stopwatch.elapsedMs(nowMs);
    if (isAskingForRest(this.#seen)) this.#rest(raw, nowMs);
    if (isRetryable(this.#seen, exchange.service.rules) && exchange.mayRepeat(this.candidate, nowMs)) {
      this.#setAside(nowMs);
      return;
    }
    this.#chooseMoment(head);
    const held = { status, reason, fields: head.fields };
    if (head.grpc && exchange.couldRepeat(this.candidate, nowMs)) this.#held = held;
    else this.#passHead(held, nowMs);
    // The next event may be long in coming.
    if (head.eventStream) this.#stopTimer();
  }

  onUpgrade(fields: RawFields, socket: Socket, first: Buffer): void {
    if (this.#over) {
      socket.destroy();
      return;
    }
    const exchange = this.#exchange;
    const nowMs = exchange.nowMs();
    const upstreamMs = exchange.stopwatch.elapsedMs(nowMs) - this.#startMs;
    // The handshake is what is measured; how long the connection lives says nothing of the instance.
    this.#seen.status = 101;
    this.#seen.bodyExpected = false;
    const account = this.#conclude('answer', nowMs);
    const { router } = exchange.service;
    router.streamBegan(this.candidate);
    socket.once('close', () => router.streamEnded(this.candidate));
    exchange.upgraded(fields, { socket, first, upstreamMs, account }, nowMs);
  }

  onData(chunk: Buffer): void {
    if (this.#over) {
      this.#asideBytes -= chunk.length;
      if (this.#asideBytes < 0) this.#call?.abort();
      return;
    }
    const exchange = this.#exchange;
    if (this.#held !== null) this.#passHead(this.#held, exchange.nowMs());
    this.#progressed = true;
    this.#seen.takeBody(chunk);
    if (this.#pace !== null) this.#onPiece(this.#pace, chunk);
    if (exchange.answer.write(chunk, this)) return;
    if (this.#draining) return;
    this.#draining = true;
    exchange.stopwatch.waitForClient(exchange.nowMs());
    exchange.service.slowClients.add(exchange);
    this.#call?.pause();
  }

  /** The client caught up. */
  onDrain(): void {
    if (!this.#draining) return;
    this.#draining = false;
    this.#exchange.stopwatch.clientCame(this.#exchange.nowMs());
    this.#call?.resume();
  }

  onEnd(trailers: RawFields): void {
    if (this.#over) return;
    const nowMs = this.#exchange.nowMs();
    this.#seen.takeEnd(trailers);
    if (this.#held !== null) {
      const { rules } = this.#exchange.service;
      if (isRetryable(this.#seen, rules) && this.#exchange.mayRepeat(this.candidate, nowMs)) {
        this.#setAside(nowMs);
        return;
      }
      this.#passHead(this.#held, nowMs);
    }
    const account = this.#conclude('answer', nowMs);
    this.#exchange.answered(this.#seen, account, trailersOnly(trailers, RESPONSE_FIELDS), nowMs);
  }

  onError(error: UpstreamError): void {
    if (this.#over) return;
    const { code, cause } = error;
    const by = code === 'upstream-protocol' ? 'protocol' : ENDED_BY[error.progress];
    const progress = this.#seen.status === 0 ? error.progress : 'answered';
    this.#fail(by, { code, progress, message: describeError(error), cause });
  }

  /** The client is gone, or was sent away. Null: the attempt was over. */
  abandon(nowMs: number): Account | null {
    if (this.#over) return null;
    this.#call?.abort();
    // A viewer that has had the beginning of a stream has had what it came for.
    return this.#conclude(this.#pace?.begun === true && this.#verdict === null ? 'answer' : 'client', nowMs);
  }

  /** Of the answer; 0 while there is none. */
  get status(): number {
    return this.#seen.status;
  }

  /** The first byte of a stream came, and what came along with it. */
  judgeStream(): void {
    if (this.#over || this.#verdict !== null) return;
    const exchange = this.#exchange;
    const nowMs = exchange.nowMs();
    this.#judge(nowMs);
    exchange.service.router.streamBegan(this.candidate);
    exchange.record.account(this.#seen.status, this.#account, this.#countedMs(nowMs), nowMs);
    this.#stopTimer();
    const { stallMs } = exchange.service.config.qos;
    if (stallMs !== null) this.#timer = setTimeout(checkStall, stallMs, this);
  }

  /** Fires while a stream runs, so that one that sends nothing more is a miss before it ends. */
  onStallCheck(): void {
    if (this.#over || this.#seen.stalled) return;
    this.#checkPause(this.#exchange.nowMs());
    if (!this.#seen.stalled) this.#timer?.refresh();
  }

  /**
   * Fires when nothing came for too long, once the head is there up to twice the limit, by the stopwatch: a slow client does
   * not make its instance late.
   */
  override onTimeout(): void {
    if (this.#over) return;
    const exchange = this.#exchange;
    const nowMs = exchange.nowMs();
    if (this.#progressed) {
      // When exactly would cost a look at the clock for every chunk.
      this.#progressed = false;
      this.#progressMs = exchange.stopwatch.elapsedMs(nowMs);
    }
    const answered = this.#seen.status !== 0;
    const limitMs = !answered ? this.#headLimitMs : exchange.service.config.timeoutMs;
    const leftMs = limitMs - (exchange.stopwatch.elapsedMs(nowMs) - this.#progressMs);
    if (leftMs > 1) {
      this.#timer = setTimeout(checkTimeout, Math.max(leftMs, REARM_MS_MIN), this);
      return;
    }
    this.#call?.abort(true);
    const progress = answered ? 'answered' : 'sent';
    if (!answered && this.#byDeadline) {
      const message = 'the deadline passed before an answer';
      this.#fail('deadline', { code: 'deadline-exceeded', progress, message, cause: null });
    } else {
      const message = 'the instance sent nothing in time';
      this.#fail('timeout', { code: 'upstream-timeout', progress, message, cause: null });
    }
  }

  #stopTimer(): void {
    this.cancelTimeout();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #mayHaveTrailers(status: number): boolean {
    const { httpVersion, method } = this.#exchange.request;
    return httpVersion !== '1.0' && method !== 'HEAD' && status !== 204 && status !== 304;
  }

  /** The instance asks to be left alone for a while. */
  #rest(fields: RawFields, nowMs: number): void {
    const ms = restMs(fields, Date.now());
    if (ms > 0) this.#exchange.service.router.rest(this.candidate, nowMs + ms, nowMs);
  }

  /** Decides when the answer counts as there. */
  #chooseMoment(head: ResponseHead): void {
    const { measure, stallMs } = this.#exchange.service.config.qos;
    const byFirstByte = measure === 'first-byte' || (measure === 'auto' && (head.stream || head.grpc));
    if (byFirstByte) this.#pace = new StreamPace(stallMs, head.grpc && measure === 'auto');
  }

  #onPiece(pace: StreamPace, chunk: Buffer): void {
    if (!pace.concerns(chunk)) return;
    const nowMs = this.#exchange.nowMs();
    if (pace.begun) this.#checkPause(nowMs);
    // A short stream is whole by then, and one that breaks at once has broken: it is judged once, by all of it.
    else setImmediate(judgeStream, this);
    pace.take(this.#exchange.stopwatch.elapsedMs(nowMs));
  }

  #checkPause(nowMs: number): void {
    if (this.#pace === null || !this.#pace.isStalled(this.#exchange.stopwatch.elapsedMs(nowMs))) return;
    this.#seen.stalled = true;
    if (this.#verdict !== null) this.#reconsider(nowMs);
  }

  /** On the exchange's stopwatch: when a stream began, the present time for any other answer. */
  #countedMs(nowMs: number): number {
    return this.#pace?.begun === true ? this.#pace.firstMs : this.#exchange.stopwatch.elapsedMs(nowMs);
  }

  #passHead({ status, reason, fields }: HeldHead, nowMs: number): void {
    this.#held = null;
    this.#exchange.describe(fields, this.#progressMs - this.#startMs, nowMs);
    this.#exchange.answer.head(status, reason, fields);
  }

  /** What the instance answered does not reach the client: another one is asked. The rest of it is read for its connection's sake. */
  #setAside(nowMs: number): void {
    this.#held = null;
    this.#conclude('answer', nowMs);
    if (this.#exchange.isWhole) setTimeout(abort, ASIDE_MS_MAX, this.#call).unref();
    else this.#call?.abort();
    this.#exchange.repeat(this.#seen, nowMs);
  }

  #fail(by: EndedBy, failure: Omit<AttemptFailure, 'retryable'>): void {
    this.#conclude(by, this.#exchange.nowMs());
    this.#exchange.attemptFailed({ ...failure, retryable: this.#verdict?.retryable ?? false });
  }

  /** What the instance sends cannot be passed on. */
  #breakOff(message: string): void {
    this.#call?.abort();
    this.#fail('protocol', { code: 'upstream-protocol', progress: 'answered', message, cause: null });
  }

  /** Every attempt ends here, once. Returns what it is for the client. */
  #conclude(by: EndedBy, nowMs: number): Account {
    this.#over = true;
    this.#stopTimer();
    if (this.#draining) {
      this.#draining = false;
      this.#exchange.stopwatch.clientCame(nowMs);
    }
    this.#seen.by = by;
    this.#checkPause(nowMs);
    if (this.#verdict === null) this.#judge(nowMs);
    else {
      this.#reconsider(nowMs);
      this.#exchange.service.router.streamEnded(this.candidate);
    }
    this.#pool.slots.leave();
    return this.#account;
  }

  /** Once an attempt: the instance is charged, and what the client has of it is known. */
  #judge(nowMs: number): void {
    const { service, deadline } = this.#exchange;
    const elapsedMs = this.#countedMs(nowMs);
    const ownMs = elapsedMs - this.#sentMs;
    this.#seen.inTime = deadline.isKept(elapsedMs);
    this.#seen.quick = deadline.isKept(ownMs);
    const verdict = verdictOf(this.#seen, service.rules);
    const taken = service.router.finish(this.#ticket, verdict.evidence, ownMs, nowMs);
    this.#verdict = verdict;
    this.#account = accountOf(verdict, taken);
    service.router.note(this.candidate, verdict.row, reasonOf(verdict, taken, this.#seen), nowMs);
  }

  /** A stream went on after its verdict: a success that turns out to be none is taken back, once. */
  #reconsider(nowMs: number): void {
    if (this.#account !== 'success') return;
    const { service, deadline } = this.#exchange;
    this.#seen.expired = deadline.askedLeftMs(nowMs) < DEADLINE_MS_EARLY;
    const verdict = verdictAfterFirstByte(this.#seen, service.rules);
    if (verdict === null) return;
    this.#verdict = verdict;
    this.#account = verdict.account;
    service.router.breakOff(this.candidate, this.#countedMs(nowMs) - this.#startMs, nowMs);
    service.router.note(this.candidate, verdict.row, reasonOf(verdict, 'failed', this.#seen), nowMs);
    this.#exchange.record.takeBack(nowMs);
  }
}

const ENDED_BY: Readonly<Record<SendProgress, EndedBy>> = {
  own: 'own-fault',
  'not-sent': 'connect',
  unprocessed: 'unprocessed',
  sent: 'reset',
  answered: 'reset',
};

function abort(call: UpstreamCall | null): void {
  call?.abort();
}

function judgeStream(attempt: Attempt): void {
  attempt.judgeStream();
}

function checkStall(attempt: Attempt): void {
  attempt.onStallCheck();
}

function checkTimeout(attempt: Attempt): void {
  attempt.onTimeout();
}
