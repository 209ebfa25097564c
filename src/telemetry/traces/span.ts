// One span of a trace, as it is once it is over.

/** Whole numbers only; those of HTTP have no others. */
export type AttributeValue = string | number | boolean;

export type Attributes = readonly (readonly [key: string, value: AttributeValue])[];

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Null: the first of its trace. */
  readonly parentSpanId: string | null;
  /** The parent is in another process. */
  readonly remoteParent: boolean;
  /** As it came with the parent; empty when there was none. */
  readonly traceState: string;
  readonly kind: 'server' | 'client';
  readonly name: string;
  /** Wall clock, ms since the epoch, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly failed: boolean;
}

export type SpanSink = (span: Span) => void;
