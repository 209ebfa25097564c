// What a collector may be sent, written down from opentelemetry-proto 1.x (trace.proto, common.proto, resource.proto,
// trace_service.proto) and the JSON encoding of the OTLP specification. Strict: a field that is not there is a mistake.

import { z } from 'zod';

const hex = (digits: number): z.ZodString => z.string().regex(new RegExp(`^(?!0+$)[0-9a-f]{${digits}}$`));
/** 64-bit integers are decimal strings. */
const fixed64 = z.string().regex(/^\d{1,20}$/);
const int64 = z.string().regex(/^-?\d{1,19}$/);

const anyValue = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ intValue: int64 }),
]);

const attributes = z
  .array(z.strictObject({ key: z.string().min(1), value: anyValue }))
  .refine((list) => new Set(list.map(({ key }) => key)).size === list.length, 'keys are unique');

const span = z.strictObject({
  traceId: hex(32),
  spanId: hex(16),
  parentSpanId: hex(16).optional(),
  traceState: z.string().optional(),
  flags: z.int().min(0).max(0xffffffff),
  name: z.string().min(1),
  /** SpanKind: unspecified, internal, server, client, producer, consumer. */
  kind: z.int().min(0).max(5),
  startTimeUnixNano: fixed64,
  endTimeUnixNano: fixed64,
  attributes,
  /** StatusCode: unset, ok, error. */
  status: z.strictObject({ message: z.string().optional(), code: z.int().min(0).max(2) }).optional(),
});

export const exportTraceServiceRequest = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes }),
      scopeSpans: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string(), version: z.string() }),
          spans: z.array(span),
        }),
      ),
    }),
  ),
});

export type OtlpSpan = z.infer<typeof span>;
export type OtlpAttributes = z.infer<typeof attributes>;

/** Attributes as one plain object; whole numbers as such. */
export function plain(list: OtlpAttributes): Readonly<Record<string, string | number | boolean>> {
  return Object.fromEntries(
    list.map(({ key, value }) => {
      if ('stringValue' in value) return [key, value.stringValue];
      return [key, 'intValue' in value ? Number(value.intValue) : value.boolValue];
    }),
  );
}
