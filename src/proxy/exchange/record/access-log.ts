// One line a request, where it is switched on.

import type { Logger } from '../../../telemetry/log.ts';

export interface AccessLine {
  /** Null: it was refused before its service was known. */
  readonly service: string | null;
  /** The instance of the last attempt; null: there was none. */
  readonly instance: string | null;
  readonly client: string;
  readonly requestId: string | null;
  readonly method: string;
  /** Logged without its query. */
  readonly target: string;
  readonly status: number;
  /** The status of gRPC, where it is a call of that. */
  readonly grpcStatus?: number;
  /** As charged: less what the client took. */
  readonly latencyMs: number;
  readonly attempts: number;
}

/** Writes the line. The query of the target is left out. */
export function logAccess(log: Logger, line: AccessLine): void {
  // A query may carry a token, and logs are kept.
  const target = line.target.split('?', 1)[0];
  log.info({ ...line, target, latencyMs: Math.round(line.latencyMs * 100) / 100 }, 'request');
}
