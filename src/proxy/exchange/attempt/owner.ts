// What an attempt needs of the exchange that it belongs to.

import type { Candidate } from '../../../core/domain.ts';
import type { Account } from '../../../core/verdict/table.ts';
import type { AttemptEnding } from '../../../core/verdict/verdict.ts';
import type { ProxyErrorCode } from '../../../errors.ts';
import type { RawFields } from '../../fields/fields.ts';
import type { ServiceRuntime } from '../../service.ts';
import type { SendProgress } from '../../upstream/upstream.ts';
import type { BadEnd } from '../../websocket/verdict.ts';
import type { UpgradedSocket } from '../../websocket/websocket.ts';
import type { Answer } from '../client/answer.ts';
import type { ClientRequest } from '../client/message.ts';
import type { SlowClient } from '../client/slow-clients.ts';
import type { Deadline } from '../time/deadline.ts';
import type { Stopwatch } from '../time/stopwatch.ts';

/** The connection of an instance that switched protocols. */
export interface UpgradedUpstream extends UpgradedSocket {
  /** How long the handshake took there, ms. */
  readonly upstreamMs: number;
  readonly account: Account;
  /** The instance ended the connection in no order, as one that cannot serve, or with nothing said. */
  onBadEnd(how: BadEnd): void;
}

/** Why and how far an attempt failed. */
export interface AttemptFailure {
  readonly code: ProxyErrorCode;
  readonly progress: SendProgress;
  /** Another instance may do better with what was answered. */
  readonly retryable: boolean;
  readonly message: string;
  readonly cause: Error | null;
}

/** Where an attempt enters what it learns before its end. */
export interface AttemptRecord {
  /** The answer belonged to this group of requests. */
  group(group: number): void;
  /** Enters a stream that has begun, before its end, into the accounts of the service and of the client. */
  account(status: number, account: Account, elapsedMs: number, nowMs: number): void;
  /** The stream that was accounted a success is none any more. */
  retract(nowMs: number): void;
}

/** The exchange, as an attempt sees it. */
export interface AttemptOwner extends SlowClient {
  readonly service: ServiceRuntime;
  readonly request: ClientRequest;
  readonly answer: Answer;
  readonly deadline: Deadline;
  /** Charged time: less what the client took. */
  readonly stopwatch: Stopwatch;
  readonly session: string;
  /** What is asked, where it matters just now. */
  readonly question: number;
  readonly record: AttemptRecord;
  /** The request asks for another protocol: a WebSocket. */
  readonly upgrades: boolean;
  /** Every byte of the request has been read. */
  readonly isWhole: boolean;
  nowMs(): number;
  /** Whether the answer of this instance could be set aside for another's. */
  couldRepeat(candidate: Candidate, nowMs: number): boolean;
  /** Takes a retry from the budget for that; false: none is left or allowed. */
  takeRetry(candidate: Candidate, nowMs: number): boolean;
  /** Asks another instance, the answer of the last one set aside. */
  repeat(ending: AttemptEnding, nowMs: number): void;
  /** Adds what this proxy has to say to the fields of an answer. */
  describe(fields: string[], upstreamMs: number, nowMs: number): void;
  /** The instance has said everything. */
  answered(ending: AttemptEnding, account: Account, trailers: RawFields, nowMs: number): void;
  /** The instance switched protocols. */
  upgraded(fields: RawFields, upstream: UpgradedUpstream, nowMs: number): void;
  attemptFailed(failure: AttemptFailure): void;
}
