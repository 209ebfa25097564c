// What is written down of one exchange: metrics, the ledger of its client, its trace, the access log. The exchange says what
// happens; what that counts for, and where it is logged, is decided here.

import type { RunStage, StageEnding } from '../../../core/chain/chain.ts';
import { type Candidate, type EndedRequest, NO_HANDLE, type RequestEnding } from '../../../core/domain.ts';
import { NO_GRPC_STATUS } from '../../../core/verdict/grpc.ts';
import type { Account } from '../../../core/verdict/table.ts';
import type { ProxyErrorCode } from '../../../errors.ts';
import type { RequestTrace } from '../../../telemetry/traces/request-trace.ts';
import { RequestHead } from '../../fields/request-head.ts';
import { NO_SERVICE } from '../../metrics.ts';
import type { ServiceRuntime } from '../../service.ts';
import type { AttemptFailure } from '../attempt/owner.ts';
import type { ExchangeClient } from '../client/connection.ts';
import type { ProxyContext } from '../context.ts';
import { logAccess } from './access-log.ts';

/** Status that is counted for a request whose client went away before its answer; it is never sent. */
export const CLIENT_GONE = 499;

/** Takes down one exchange; `close` ends it, once. */
export class ExchangeRecord implements EndedRequest {
  readonly #context: ProxyContext;
  readonly #client: ExchangeClient;
  /** As far as it was read. */
  head = EMPTY_HEAD;
  /** Null until it is matched. */
  service: ServiceRuntime | null = null;
  /** Empty until the service is matched. */
  clientId = '';
  ending: RequestEnding = 'failed';
  /** The stopwatch when the request was accounted for, ms. */
  latencyMs = 0;
  handle = NO_HANDLE;
  limitMs = Number.POSITIVE_INFINITY;
  /** Null: it is no stage of a chain. */
  stage: RunStage | null = null;
  /** The status of gRPC in the answer; `NO_GRPC_STATUS` where it does not speak gRPC. */
  grpcStatus = NO_GRPC_STATUS;
  /** Null where this request is not traced. */
  #trace: RequestTrace | null = null;
  /** The instance of the last attempt. */
  #instance: string | null = null;
  #attempts = 0;
  /** When it was accounted for, NaN before. */
  #accountedMs = Number.NaN;

  constructor(context: ProxyContext, client: ExchangeClient) {
    this.#context = context;
    this.#client = client;
  }

  /** Where requests are traced: adds the trace to the fields of the head. */
  startTrace(nowMs: number): void {
    const { tracer } = this.#context;
    if (tracer !== null) this.#trace = tracer.begin(this.head.fields, nowMs);
  }

  /** An attempt begins; where the request is traced, `fields` name its span to the instance. */
  attemptStarted(fields: string[], candidate: Candidate, nowMs: number): void {
    this.#attempts++;
    this.#instance = candidate.key;
    this.handle = candidate.handle;
    this.#trace?.attemptStarted(fields, candidate, nowMs);
  }

  /** An attempt ended with an answer. `grpcStatus`: `NO_GRPC_STATUS` where it is none of gRPC. */
  attemptEnded(status: number, grpcStatus: number, nowMs: number): void {
    this.#trace?.attemptEnded(nowMs, { status, grpcStatus: knownGrpcStatus(grpcStatus) });
  }

  /** The answer belonged to this group of requests. */
  group(group: number): void {
    this.service?.router.observeGroup(this.clientId, group);
  }

  /** An attempt ended without an answer that could be passed on whole. */
  attemptFailed({ code, progress, cause }: AttemptFailure, nowMs: number): void {
    const { log, ownFaults } = this.#context;
    const service = this.service?.name ?? NO_SERVICE;
    log.debug({ service, instance: this.#instance ?? '', code, err: cause }, 'attempt failed');
    this.#trace?.attemptEnded(nowMs, { error: code });
    if (progress === 'own') ownFaults.seen(cause, nowMs);
  }

  /** The request failed as a whole, with this code of our own. */
  failed(code: ProxyErrorCode): void {
    this.#context.metrics.error(this.service?.name ?? NO_SERVICE, code);
    this.#trace?.failed(code);
  }

  /** The answer broke off when a part of it had reached the client. */
  cutOff(code: ProxyErrorCode): void {
    this.#trace?.failed(code);
  }

  /** The client went away before its answer. */
  clientGone(): void {
    this.#trace?.failed('client-gone');
  }

  /** Enters it once into the accounts of the service and of the client: at the end, or when a stream has begun. */
  account(status: number, account: Account, elapsedMs: number, nowMs: number): void {
    const { service } = this;
    if (service === null) return;
    this.#accountedMs = nowMs;
    this.latencyMs = elapsedMs;
    service.metrics.answered(status, elapsedMs);
    this.stage?.end(STAGE_ENDINGS[account], elapsedMs, nowMs);
    if (account === 'none') return;
    this.ending = account;
    service.router.recordRequest(this, nowMs);
  }

  /** The stream that was accounted a success is none any more. */
  retract(nowMs: number): void {
    if (!Number.isNaN(this.#accountedMs)) this.service?.router.retractRequest(this.clientId, this.#accountedMs, nowMs);
  }

  /** Once, when the request as a whole is over. `elapsedMs`: as charged. */
  close(status: number, account: Account, elapsedMs: number, nowMs: number): void {
    const { service, grpcStatus } = this;
    const { metrics, accessLog } = this.#context;
    if (this.#trace !== null) this.#endTrace(this.#trace, status, nowMs);
    if (service === null) metrics.withoutService(status);
    else {
      if (grpcStatus !== NO_GRPC_STATUS) service.metrics.grpcEnded(grpcStatus);
      if (Number.isNaN(this.#accountedMs)) this.account(status, account, elapsedMs, nowMs);
    }
    if (accessLog) this.#log(status);
  }

  #endTrace(trace: RequestTrace, status: number, nowMs: number): void {
    const { request, connection } = this.#client;
    const { target, host, requestId } = this.head;
    trace.end(nowMs, status === CLIENT_GONE ? 0 : status, {
      method: request.method ?? '',
      target,
      scheme: connection.peer.proto,
      host,
      httpVersion: request.httpVersion,
      service: this.service?.name ?? null,
      client: this.clientId,
      requestId,
      grpcStatus: knownGrpcStatus(this.grpcStatus),
    });
  }

  #log(status: number): void {
    const { request, connection } = this.#client;
    logAccess(this.#context.log, {
      service: this.service?.name ?? null,
      instance: this.#instance,
      client: this.clientId || connection.peer.address,
      requestId: this.head.requestId,
      method: request.method ?? '',
      target: this.head.target || (request.url ?? ''),
      status,
      ...(this.grpcStatus === NO_GRPC_STATUS ? {} : { grpcStatus: this.grpcStatus }),
      latencyMs: this.latencyMs,
      attempts: this.#attempts,
    });
  }
}

const EMPTY_HEAD = new RequestHead();

function knownGrpcStatus(status: number): number | null {
  return status === NO_GRPC_STATUS ? null : status;
}

/** What an account makes of a stage: one that was late for its part may be in time for the run. */
const STAGE_ENDINGS: Readonly<Record<Account, StageEnding>> = {
  success: 'answered',
  late: 'answered',
  failed: 'failed',
  none: 'left',
};
