// What an attempt is worth. The verdict goes into the books of the router once: at the end of the attempt or, for a
// stream, at its first byte. If a stream breaks after its success, the success is retracted, once.

import type { Candidate } from '../../../core/domain.ts';
import type { Ticket } from '../../../core/service-router.ts';
import { reasonOf } from '../../../core/verdict/reason.ts';
import type { Account, Verdict } from '../../../core/verdict/table.ts';
import { accountOf, type EndedBy, verdictAfterFirstByte, verdictOf } from '../../../core/verdict/verdict.ts';
import type { RawFields } from '../../fields/fields.ts';
import type { ResponseHead } from '../../fields/response-head.ts';
import type { SendProgress, UpstreamError } from '../../upstream/upstream.ts';
import type { AttemptOwner } from './owner.ts';
import { asksForPause, pauseMs } from './retry-after.ts';
import { SeenAnswer } from './seen-answer.ts';
import { StreamPace } from './stream-pace.ts';

/** An instance counts whole milliseconds of a deadline, so a deadline may pass there up to 1 ms earlier. */
const DEADLINE_MS_EARLY = 1;

export class Judgement extends SeenAnswer {
  readonly #exchange: AttemptOwner;
  readonly #candidate: Candidate;
  readonly #ticket: Ticket;
  /** On the exchange's stopwatch. */
  readonly startMs: number;
  /** When the request left: connecting is not charged to the instance. */
  #sentMs: number;
  /** Known at the end of the attempt or, for a stream, at its first byte. */
  #verdict: Verdict | null = null;
  #account: Account = 'none';
  /** Set for an answer that is judged at the first byte of its body; null for others. */
  #pace: StreamPace | null = null;

  /** From here on the attempt is in the books of the router. */
  constructor(exchange: AttemptOwner, candidate: Candidate, nowMs: number) {
    super();
    this.#exchange = exchange;
    this.#candidate = candidate;
    this.#ticket = exchange.service.router.start(candidate, nowMs, exchange.session);
    this.startMs = exchange.stopwatch.elapsedMs(nowMs);
    this.#sentMs = this.startMs;
  }

  /** The request leaves now. */
  sent(nowMs: number): void {
    this.#sentMs = this.#exchange.stopwatch.elapsedMs(nowMs);
  }

  get isJudged(): boolean {
    return this.#verdict !== null;
  }

  /** The first byte of a stream came. */
  get streamBegan(): boolean {
    return this.#pace?.begun === true;
  }

  /** Whether another instance may do better; false before the verdict. */
  get retryable(): boolean {
    return this.#verdict?.retryable ?? false;
  }

  /** Where the head asks for a pause, the router ejects the instance for as long. */
  heedRetryAfter(fields: RawFields, nowMs: number): void {
    if (!asksForPause(this)) return;
    const ms = pauseMs(fields, Date.now());
    if (ms > 0) this.#exchange.service.router.eject(this.#candidate, nowMs + ms, nowMs);
  }

  /** Decides which moment counts as the answer. */
  chooseMeasure(head: ResponseHead): void {
    const { measure, stallMs } = this.#exchange.service.config.qos;
    const byFirstByte = measure === 'first-byte' || (measure === 'auto' && (head.stream || head.grpc));
    if (byFirstByte) this.#pace = new StreamPace(stallMs, head.grpc && measure === 'auto');
  }

  /** A piece of the body. True with the first of a stream: `judgeStream` is to follow. */
  takeChunk(chunk: Buffer): boolean {
    this.takeBody(chunk);
    const pace = this.#pace;
    if (pace === null || !pace.concerns(chunk)) return false;
    const nowMs = this.#exchange.nowMs();
    const isFirst = !pace.begun;
    if (!isFirst) this.checkPause(nowMs);
    pace.take(this.#exchange.stopwatch.elapsedMs(nowMs));
    return isFirst;
  }

  /** The first byte of a stream came, and what came along with it. */
  judgeStream(nowMs: number): void {
    const { service, record } = this.#exchange;
    this.#judge(nowMs);
    service.router.streamBegan(this.#candidate);
    record.account(this.status, this.#account, this.#countedMs(nowMs), nowMs);
  }

  /** Looks whether a stream pauses for longer than the service allows. */
  checkPause(nowMs: number): void {
    if (this.#pace === null || !this.#pace.isStalled(this.#exchange.stopwatch.elapsedMs(nowMs))) return;
    this.stalled = true;
    if (this.#verdict !== null) this.#reconsider(nowMs);
  }

  /** The attempt is over. Returns the account for the client. */
  conclude(by: EndedBy, nowMs: number): Account {
    this.by = by;
    this.checkPause(nowMs);
    if (this.#verdict === null) this.#judge(nowMs);
    else {
      this.#reconsider(nowMs);
      this.#exchange.service.router.streamEnded(this.#candidate);
    }
    return this.#account;
  }

  /** Runs once for each attempt: charges the instance and sets the client's account. */
  #judge(nowMs: number): void {
    const { service, deadline } = this.#exchange;
    const elapsedMs = this.#countedMs(nowMs);
    const ownMs = elapsedMs - this.#sentMs;
    this.inTime = deadline.isKept(elapsedMs);
    this.attemptInTime = deadline.isKept(ownMs);
    const verdict = verdictOf(this, service.rules);
    const result = service.router.finish(this.#ticket, verdict.evidence, ownMs, nowMs);
    this.#verdict = verdict;
    this.#account = accountOf(verdict, result);
    service.router.recordVerdict(this.#candidate, verdict.row, reasonOf(verdict, result, this), nowMs);
  }

  /** A stream went on after its verdict. */
  #reconsider(nowMs: number): void {
    if (this.#account !== 'success') return;
    const { service, deadline } = this.#exchange;
    this.expired = deadline.askedLeftMs(nowMs) < DEADLINE_MS_EARLY;
    const verdict = verdictAfterFirstByte(this, service.rules);
    if (verdict === null) return;
    this.#verdict = verdict;
    this.#account = verdict.account;
    service.router.retractSuccess(this.#candidate, this.#countedMs(nowMs) - this.startMs, nowMs);
    service.router.recordVerdict(this.#candidate, verdict.row, reasonOf(verdict, 'failed', this), nowMs);
    this.#exchange.record.retract(nowMs);
  }

  /** The first byte of a stream, or now for any other answer; on the exchange's stopwatch. */
  #countedMs(nowMs: number): number {
    return this.#pace?.begun === true ? this.#pace.firstMs : this.#exchange.stopwatch.elapsedMs(nowMs);
  }
}

/** Maps an error of the transport to an ending of the verdict. */
export function endedBy({ code, progress }: UpstreamError): EndedBy {
  return code === 'upstream-protocol' ? 'protocol' : ENDED_BY[progress];
}

const ENDED_BY: Readonly<Record<SendProgress, EndedBy>> = {
  own: 'own-fault',
  'not-sent': 'connect',
  unprocessed: 'unprocessed',
  sent: 'reset',
  answered: 'reset',
};
