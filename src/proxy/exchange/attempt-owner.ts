// What an attempt needs of the exchange that it belongs to.

import type { Candidate } from '../../core/domain.ts';
import type { Account } from '../../core/verdict/table.ts';
import type { TryEnding } from '../../core/verdict/verdict.ts';
import type { ProxyErrorCode } from '../../errors.ts';
import type { RawFields } from '../fields/fields.ts';
import type { ServiceRuntime } from '../service.ts';
import type { UpgradedSocket } from '../websocket/websocket.ts';
import type { Answer } from './answer.ts';
import type { ClientRequest } from './client-message.ts';
import type { Stopwatch } from './stopwatch.ts';

export interface UpgradedUpstream extends UpgradedSocket {
  /** How long the handshake took there. */
  readonly upstreamMs: number;
  readonly account: Account;
}

export interface AttemptOwner<Failure extends { readonly code: ProxyErrorCode }> {
  readonly service: ServiceRuntime;
  readonly request: ClientRequest;
  readonly answer: Answer;
  /** Charged time: less what the client took. */
  readonly stopwatch: Stopwatch;
  readonly session: string;
  /** Every byte of the request has been read. */
  readonly isWhole: boolean;
  nowMs(): number;
  /** Until the client stops waiting, ms; +Infinity when it did not say. */
  askedLeftMs(nowMs: number): number;
  /** Whether an answer that comes when `elapsedMs` are on the stopwatch is of use to the client. */
  isInTime(elapsedMs: number): boolean;
  /** Whether the answer of this instance could be set aside for another's. */
  couldRepeat(candidate: Candidate, nowMs: number): boolean;
  /** Whether it is: takes from the budget when it is. */
  takesRepeat(candidate: Candidate, nowMs: number): boolean;
  /** Asks another instance, the answer of the last one set aside. */
  repeat(ending: TryEnding, nowMs: number): void;
  /** The instance asks to be left alone for a while. */
  rest(candidate: Candidate, fields: RawFields, nowMs: number): void;
  /** Adds what this proxy has to say to the fields of an answer. */
  describe(fields: string[], upstreamMs: number, nowMs: number): void;
  /** Into the books of the service and of the client, once: at the end, and for a stream when it has begun. */
  enter(status: number, account: Account, elapsedMs: number, nowMs: number): void;
  /** The stream that was entered as a success is none any more. */
  tookBack(nowMs: number): void;
  /** The instance has said everything. */
  answered(ending: TryEnding, account: Account, trailers: RawFields, nowMs: number): void;
  upgraded(fields: RawFields, upstream: UpgradedUpstream, nowMs: number): void;
  tryFailed(failure: Failure): void;
}
