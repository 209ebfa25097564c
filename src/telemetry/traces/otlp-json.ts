// Spans in the JSON of OTLP 1.x (`ExportTraceServiceRequest`): the JSON mapping of protobuf, save that ids are hexadecimal and
// enums are numbers. 64-bit integers are decimal strings. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding

import type { Attributes, AttributeValue, Span } from './span.ts';

/** The node and program that the spans are of. */
export interface Resource {
  readonly attributes: Attributes;
  /** Version of qedge, which is the instrumentation too. */
  readonly version: string;
}

const KIND = { server: 2, client: 3 } as const;
const STATUS_ERROR = 2;
/** `SpanFlags`: the W3C flags in the low byte, then whether it is known that the parent is remote, and whether it is. */
const SAMPLED = 0x001;
const REMOTE_KNOWN = 0x100;
const REMOTE = 0x200;

export function encodeOtlpJson(resource: Resource, spans: readonly Span[]): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: resource.attributes.map(keyValue) },
        scopeSpans: [{ scope: { name: 'qedge', version: resource.version }, spans: spans.map(encodeSpan) }],
      },
    ],
  });
}

function encodeSpan(span: Span): object {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === null ? {} : { parentSpanId: span.parentSpanId }),
    ...(span.traceState === '' ? {} : { traceState: span.traceState }),
    flags: SAMPLED | REMOTE_KNOWN | (span.remoteParent ? REMOTE : 0),
    name: span.name,
    kind: KIND[span.kind],
    startTimeUnixNano: unixNano(span.startMs),
    endTimeUnixNano: unixNano(Math.max(span.startMs, span.endMs)),
    attributes: span.attributes.map(keyValue),
    ...(span.failed ? { status: { code: STATUS_ERROR } } : {}),
  };
}

function keyValue([key, value]: readonly [string, AttributeValue]): object {
  return { key, value: anyValue(value) };
}

function anyValue(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: value };
  return typeof value === 'number' ? { intValue: String(Math.trunc(value)) } : { boolValue: value };
}

/** A double holds milliseconds since the epoch to a quarter of a microsecond; nanoseconds it would round. */
function unixNano(ms: number): string {
  const whole = Math.floor(ms);
  return `${whole}${String(Math.floor((ms - whole) * 1e6)).padStart(6, '0')}`;
}
