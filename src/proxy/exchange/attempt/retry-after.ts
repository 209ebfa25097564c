// `Retry-After` of an instance: it asks for a pause (RFC 9110 section 10.2.3).

import { GRPC_RESOURCE_EXHAUSTED, GRPC_UNAVAILABLE } from '../../../core/verdict/grpc.ts';

/** The longest pause that an instance gets, even when it asks for more. */
const PAUSE_MS_MAX = 60_000;

const ASKING: ReadonlySet<number> = new Set([408, 429, 503]);
const ASKING_GRPC: ReadonlySet<number> = new Set([GRPC_RESOURCE_EXHAUSTED, GRPC_UNAVAILABLE]);

/** Whether an answer asks for a pause: with these statuses an instance speaks of itself, not of what was asked for. */
export function asksForPause({
  status,
  grpcStatus,
}: {
  readonly status: number;
  readonly grpcStatus: number;
}): boolean {
  return ASKING.has(status) || ASKING_GRPC.has(grpcStatus);
}

/** Returns the pause that the fields ask for, ms; 0 for none. `wallMs` is now, for a date. */
export function pauseMs(fields: readonly string[], wallMs: number): number {
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (fields[i]?.toLowerCase() !== 'retry-after') continue;
    const value = fields[i + 1] ?? '';
    const ms = /^\d+$/.test(value) ? Number(value) * 1000 : readDate(value) - wallMs;
    return Number.isNaN(ms) ? 0 : Math.min(PAUSE_MS_MAX, Math.max(0, ms));
  }
  return 0;
}

/** One of the forms of RFC 9110 section 5.6.7, all of which mean GMT; NaN for anything else that JavaScript takes for a date. */
function readDate(value: string): number {
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(value)) return Number.NaN;
  return Date.parse(value.endsWith(' GMT') ? value : `${value} GMT`);
}
