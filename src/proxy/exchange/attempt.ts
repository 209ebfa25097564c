// One try of a request at one instance: what comes back is observed for the router and written straight to the client.

import type { Socket } from 'node:net';
import type { Candidate, TryResult } from '../../core/domain.ts';
import type { Ticket } from '../../core/service-router.ts';
import type { ProxyErrorCode } from '../../errors.ts';
import { RESPONSE_HEAD_BYTES_MAX } from '../fields/field-lines.ts';
import type { RawFields } from '../fields/fields.ts';
import { RESPONSE_FIELDS, trailersOnly } from '../fields/fields.ts';
import { headBytes, readResponseHead } from '../fields/response-head.ts';
import type { InstancePool } from '../upstream/pool.ts';
import type { SendProgress, UpstreamCall, UpstreamError, UpstreamHandler } from '../upstream/upstream.ts';
import type { DrainListener } from './answer.ts';
import type { Exchange } from './exchange.ts';
import { Timed } from './timeout-list.ts';

/** A timer that fires early by rounding is not set again for less. */
const REARM_MS_MIN = 5;

/** Why and how far a try failed. */
export interface AttemptFailure {
  readonly code: ProxyErrorCode;
  readonly progress: SendProgress;
  readonly result: TryResult;
  readonly message: string;
  readonly cause: Error | null;
}

export class Attempt extends Timed implements UpstreamHandler, DrainListener {
  readonly #exchange: Exchange;
  /** `node/instance`. */
  readonly instanceName: string;
  readonly handle: number;
  readonly #pool: InstancePool;
  readonly #ticket: Ticket;
  /** On the exchange's stopwatch. */
  readonly #startMs: number;
  #progressMs: number;
  /** How long the head may take: the service's timeout, or less when the client said that it will not wait so long. */
  readonly #headLimitMs: number;
  readonly #byDeadline: boolean;
  /** Only for limits that are not the service's own timeout. */
  #timer: NodeJS.Timeout | null = null;
  #call: UpstreamCall | null = null;
  #status = 0;
  #observed = false;
  /** Of all 1xx heads. They are passed on at once, whether or not the client reads, so all of them together get as much as one head. */
  #interimBytes = 0;
  /** Something came since `#progressMs`. */
  #progressed = false;
  #over = false;
  #draining = false;

  /** Starts counting; `send` follows. */
  constructor(exchange: Exchange, candidate: Candidate, pool: InstancePool, nowMs: number) {
    super();
    this.#exchange = exchange;
    this.instanceName = candidate.key;
    this.handle = candidate.handle;
    this.#pool = pool;
    this.#ticket = exchange.service.router.start(candidate, nowMs, exchange.session);
    this.#startMs = exchange.stopwatch.elapsedMs(nowMs);
    this.#progressMs = this.#startMs;
    const { timeoutMs } = exchange.service.config;
    const askedLeftMs = exchange.askedLeftMs(nowMs);
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
    this.#status = status;
    this.#progressMs = exchange.stopwatch.elapsedMs(nowMs);
    exchange.describe(head.fields, this.#progressMs - this.#startMs, nowMs);
    exchange.answer.head(status, reason, head.fields);
    if (head.eventStream) {
      this.#observe(this.#result(), nowMs);
      this.#stopTimer();
    }
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
    this.#conclude('answered', nowMs);
    exchange.upgraded(fields, { socket, first, upstreamMs }, nowMs);
  }

  onData(chunk: Buffer): void {
    if (this.#over) return;
    const exchange = this.#exchange;
    this.#progressed = true;
    if (exchange.answer.write(chunk, this)) return;
    if (this.#draining) return;
    this.#draining = true;
    exchange.stopwatch.waitForClient(exchange.nowMs());
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
    this.#conclude(this.#result(), nowMs);
    this.#exchange.answered(this.#status, trailersOnly(trailers, RESPONSE_FIELDS), nowMs);
  }

  onError(error: UpstreamError): void {
    if (this.#over) return;
    const answered = this.#status !== 0;
    const result = RESULTS[error.progress];
    this.#fail(error.code, answered ? 'answered' : error.progress, result, describe(error), error.cause);
  }

  /** The client is gone, or was sent away. */
  abandon(nowMs: number): void {
    if (this.#over) return;
    this.#abort();
    this.#conclude('aborted', nowMs);
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
    const limitMs = this.#status === 0 ? this.#headLimitMs : exchange.service.config.timeoutMs;
    const leftMs = limitMs - (exchange.stopwatch.elapsedMs(nowMs) - this.#progressMs);
    if (leftMs > 1) {
      this.#timer = setTimeout(checkTimeout, Math.max(leftMs, REARM_MS_MIN), this);
      return;
    }
    this.#call?.abort(true);
    const byDeadline = this.#status === 0 && this.#byDeadline;
    this.#fail(
      byDeadline ? 'deadline-exceeded' : 'upstream-timeout',
      this.#status === 0 ? 'sent' : 'answered',
      'timeout',
      byDeadline ? 'the deadline passed before an answer' : 'the instance sent nothing in time',
    );
  }

  #stopTimer(): void {
    this.cancelTimeout();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #mayHaveTrailers(status: number): boolean {
    const { httpVersion, method } = this.#exchange.request;
    return httpVersion !== '1.0' && method !== 'HEAD' && status !== 204 && status !== 304;
  }

  #result(): TryResult {
    return this.#status >= this.#exchange.service.config.failureStatusMin ? 'failed' : 'answered';
  }

  #fail(
    code: ProxyErrorCode,
    progress: SendProgress,
    result: TryResult,
    message: string,
    cause: Error | null = null,
  ): void {
    this.#conclude(result, this.#exchange.nowMs());
    this.#exchange.tryFailed({ code, progress, result, message, cause });
  }

  #abort(): void {
    this.#call?.abort();
  }

  /** What the instance sends cannot be passed on. */
  #breakOff(message: string): void {
    this.#abort();
    this.#fail('upstream-protocol', 'answered', 'failed', message);
  }

  #conclude(result: TryResult, nowMs: number): void {
    this.#over = true;
    this.#stopTimer();
    if (this.#draining) {
      this.#draining = false;
      this.#exchange.stopwatch.clientCame(nowMs);
    }
    this.#observe(result, nowMs);
    this.#pool.slots.leave();
  }

  /** Exactly once a try; an event stream is observed at its head already. */
  #observe(result: TryResult, nowMs: number): void {
    if (this.#observed) return;
    this.#observed = true;
    const latencyMs = this.#exchange.stopwatch.elapsedMs(nowMs) - this.#startMs;
    this.#exchange.service.router.finish(this.#ticket, result, latencyMs, nowMs);
  }
}

/** How a try that broke off counts. What the instance never saw, or did not look at, says nothing of it. */
const RESULTS: Readonly<Record<SendProgress, TryResult>> = {
  own: 'aborted',
  'not-sent': 'refused',
  unprocessed: 'aborted',
  sent: 'refused',
  answered: 'failed',
};

function checkTimeout(attempt: Attempt): void {
  attempt.onTimeout();
}

function describe(error: UpstreamError): string {
  const code = (error.cause as { readonly code?: unknown }).code;
  const why = typeof code === 'string' ? `${error.cause.message} (${code})` : error.cause.message;
  return why.replaceAll(/[^\x20-\x7e]/g, '?');
}
