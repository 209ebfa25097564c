// W3C Trace Context: `traceparent` as it comes in and goes out.

export interface TraceParent {
  /** 32 hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** Span of the sender: 16 hexadecimal digits, not all zero. */
  readonly spanId: string;
  readonly flags: number;
}

export const SAMPLED_FLAG = 0x01;
/** The trace id is random (Trace Context level 2); passed on as it came. */
const RANDOM_FLAG = 0x02;

/** Null for what has to be ignored: another shape, all zeros, version ff. Later versions are read as far as they are known. */
export function parseTraceParent(value: string): TraceParent | null {
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(value);
  if (match === null) return null;
  const [, version = '', traceId = '', spanId = '', flags = '', more] = match;
  if (version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

export function formatTraceParent({ traceId, spanId, flags }: TraceParent): string {
  return `00-${traceId}-${spanId}-${(flags & (SAMPLED_FLAG | RANDOM_FLAG)).toString(16).padStart(2, '0')}`;
}
