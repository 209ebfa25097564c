// One line a request, where it is switched on.

import type { Logger } from '../telemetry/log.ts';

export interface AccessLine {
  readonly service: string;
  /** Null: no instance was tried. */
  readonly instance: string | null;
  readonly client: string;
  readonly requestId: string | null;
  readonly method: string;
  readonly target: string;
  readonly status: number;
  /** As charged: less what the client took. */
  readonly latencyMs: number;
  readonly tries: number;
}

export function logAccess(log: Logger, line: AccessLine): void {
  log.info({ ...line, latencyMs: Math.round(line.latencyMs * 100) / 100 }, 'request');
}
