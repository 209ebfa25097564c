// What an attempt is worth: judged once, at its end or, for a stream, at its first byte. A stream that breaks after its success is
// judged again, once. What follows from a verdict is the attempt's affair.

import type { AttemptResult } from '../../../core/domain.ts';
import type { Account, Verdict } from '../../../core/verdict/table.ts';
import { accountOf, type EndedBy, verdictAfterFirstByte, verdictOf } from '../../../core/verdict/verdict.ts';
import type { ResponseHead } from '../../fields/response-head.ts';
import type { SendProgress, UpstreamError } from '../../upstream/upstream.ts';
import type { AttemptOwner } from './owner.ts';
import { SeenAnswer } from './seen-answer.ts';
import { StreamPace } from './stream-pace.ts';

/** An instance counts whole milliseconds of a deadline, so a deadline may pass there up to 1 ms earlier. */
const DEADLINE_MS_EARLY = 1;

/** All times are ms on the exchange's stopwatch, `nowMs` aside. */
export class Judgement extends SeenAnswer {
  readonly #exchange: AttemptOwner;
  /** When the attempt began. */
  readonly startMs: number;
  /** When the request left: connecting is not charged to the instance. */
  #sentMs: number;
  /** Known at the end of the attempt or, for a stream, at its first byte. */
  #verdict: Verdict | null = null;
  #account: Account = 'none';
  /** Set for an answer that is judged at the first byte of its body; null for others. */
  #pace: StreamPace | null = null;

  constructor(exchange: AttemptOwner, nowMs: number) {
    super();
    this.#exchange = exchange;
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

  /** A stream that was judged by its beginning ended with nothing in it that its client could use, or with something unfinished. */
  get isHollow(): boolean {
    return this.by === 'answer' && this.bodyExpected && (this.bodyBytes === 0 || this.misfit === 'unfinished');
  }

  /** Whether another instance may do better; false before the verdict. */
  get retryable(): boolean {
    return this.#verdict?.retryable ?? false;
  }

  /** What the attempt is for the client; `none` before the verdict is settled. */
  get account(): Account {
    return this.#account;
  }

  /** Decides which moment counts as the answer. */
  chooseMeasure(head: ResponseHead): void {
    const { measure, stallMs } = this.#exchange.service.config.qos;
    const byFirstByte = measure === 'first-byte' || (measure === 'auto' && (head.stream || head.grpc));
    if (byFirstByte) this.#pace = new StreamPace(stallMs, measure === 'auto' ? this.beginning : null);
  }

  /** A piece of the body. True with the first of a stream: it is to be judged once this turn of the event loop is over. */
  takeChunk(chunk: Buffer): boolean {
    this.takeBody(chunk);
    const pace = this.#pace;
    if (pace === null || !pace.concerned) return false;
    const nowMs = this.#exchange.nowMs();
    const isFirst = !pace.begun;
    if (!isFirst) this.checkPause(nowMs);
    pace.take(this.#exchange.stopwatch.elapsedMs(nowMs));
    return isFirst;
  }

  /** Looks whether a stream pauses for longer than the service allows; then it has `stalled`. */
  checkPause(nowMs: number): void {
    if (this.#pace?.isStalled(this.#exchange.stopwatch.elapsedMs(nowMs)) === true) this.stalled = true;
  }

  /** Once an attempt; `settle` follows, with what the router makes of the evidence. */
  judge(nowMs: number): Verdict {
    const { service, deadline } = this.#exchange;
    this.inTime = deadline.isKept(this.elapsedMs(nowMs));
    this.attemptInTime = deadline.isKept(this.ownMs(nowMs));
    this.#verdict = verdictOf(this, service.rules);
    return this.#verdict;
  }

  /** Decides the account by the verdict and by how the attempt fared beside those at other instances. */
  settle(verdict: Verdict, result: AttemptResult): void {
    this.#account = accountOf(verdict, result);
  }

  /** A stream went on after its verdict. Returns the one that takes the place of its success; null where that stands. */
  reconsider(nowMs: number): Verdict | null {
    if (this.#account !== 'success') return null;
    const { service, deadline } = this.#exchange;
    this.expired = deadline.askedLeftMs(nowMs) < DEADLINE_MS_EARLY;
    const verdict = verdictAfterFirstByte(this, service.rules);
    if (verdict === null) return null;
    this.#verdict = verdict;
    this.#account = verdict.account;
    return verdict;
  }

  /** When the answer counts as there: the first byte of a stream, or now for any other. */
  elapsedMs(nowMs: number): number {
    return this.#pace?.begun === true ? this.#pace.firstMs : this.#exchange.stopwatch.elapsedMs(nowMs);
  }

  /** The part of `elapsedMs` that is charged to the instance. A deadline that this process noticed late gave it no more time. */
  ownMs(nowMs: number): number {
    const elapsedMs = this.elapsedMs(nowMs);
    const countedMs = this.by === 'deadline' ? Math.min(elapsedMs, this.#exchange.deadline.askedMs) : elapsedMs;
    return countedMs - this.#sentMs;
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
