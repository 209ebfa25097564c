// The spans of one request: one for what the client sees, and one below it for each attempt at an instance. Names and values of
// attributes after the semantic conventions for HTTP spans; `qedge.…` is our own.

import { randomId } from './random-ids.ts';
import type { AttributeValue, Span, SpanSink } from './span.ts';
import { formatTraceParent, SAMPLED_FLAG, type TraceParent } from './trace-context.ts';

/** Where an attempt goes. */
export interface AttemptTarget {
  /** `node/instance`. */
  readonly key: string;
  readonly instance: { readonly scheme: string; readonly host: string; readonly port: number };
}

/** What is known of a request once it is over. */
export interface RequestFacts {
  readonly method: string;
  readonly target: string;
  readonly scheme: string;
  /** Authority that the request is for; null when none was given. */
  readonly host: string | null;
  readonly httpVersion: string;
  /** The status of gRPC; null where it is no call of that. */
  readonly grpcStatus: number | null;
  /** Null: it asked for none that exists. */
  readonly service: string | null;
  readonly client: string;
  readonly requestId: string | null;
}

export interface TraceStart {
  readonly parent: TraceParent | null;
  readonly traceState: string;
  /** Index of the value of `traceparent` among the fields that go to an instance. */
  readonly slot: number;
  readonly nowMs: number;
}

/** How an attempt ended. */
export interface AttemptEnd {
  /** Absent: no answer. */
  readonly status?: number;
  readonly grpcStatus?: number | null;
  /** A code, where it failed. */
  readonly error?: string;
}

interface Attempt {
  readonly spanId: string;
  readonly target: AttemptTarget;
  readonly startMs: number;
  endMs: number;
  /** 0: no answer. */
  status: number;
  grpcStatus: number | null;
  error: string | null;
}

/** What a trace needs of the tracer that began it. */
export interface SpanReceiver {
  /** Spans name the client. */
  readonly clientId: boolean;
  readonly sink: SpanSink;
  /** A time of the driver's clock as wall clock, ms since the epoch. */
  wallMs(nowMs: number): number;
}

/** The spans of one request; they go out when it ends. Times are those of the driver's clock, ms. */
export class RequestTrace {
  readonly #tracer: SpanReceiver;
  readonly #traceId: string;
  readonly #spanId = randomId(8);
  readonly #parent: TraceParent | null;
  readonly #traceState: string;
  readonly #slot: number;
  readonly #startMs: number;
  readonly #wallOffsetMs: number;
  readonly #attempts: Attempt[] = [];
  #error: string | null = null;

  constructor(tracer: SpanReceiver, { parent, traceState, slot, nowMs }: TraceStart) {
    this.#tracer = tracer;
    this.#parent = parent;
    this.#traceId = parent?.traceId ?? randomId(16);
    this.#traceState = traceState;
    this.#slot = slot;
    this.#startMs = nowMs;
    this.#wallOffsetMs = tracer.wallMs(nowMs) - nowMs;
  }

  /** An attempt begins; `fields`, those that go to the instance, carry its span. */
  attemptStarted(fields: string[], target: AttemptTarget, nowMs: number): void {
    const spanId = randomId(8);
    const flags = (this.#parent?.flags ?? 0) | SAMPLED_FLAG;
    fields[this.#slot] = formatTraceParent({ traceId: this.#traceId, spanId, flags });
    this.#attempts.push({
      spanId,
      target,
      startMs: nowMs,
      endMs: Number.NaN,
      status: 0,
      grpcStatus: null,
      error: null,
    });
  }

  attemptEnded(nowMs: number, { status = 0, grpcStatus = null, error }: AttemptEnd): void {
    const last = this.#attempts.at(-1);
    if (last === undefined || !Number.isNaN(last.endMs)) return;
    last.endMs = nowMs;
    last.status = status;
    last.grpcStatus = grpcStatus;
    last.error = error ?? null;
  }

  /** The request itself failed, with this code of our own. */
  failed(code: string): void {
    this.#error = code;
  }

  /** The request is over; its spans go on their way. `status` 0: none was sent. */
  end(nowMs: number, status: number, facts: RequestFacts): void {
    this.attemptEnded(nowMs, { error: this.#error ?? 'aborted' });
    this.#attempts.forEach((one, i) => {
      this.#tracer.sink(this.#clientSpan(one, i, facts));
    });
    this.#tracer.sink(this.#serverSpan(nowMs, status, facts));
  }

  #serverSpan(nowMs: number, status: number, facts: RequestFacts): Span {
    const failure = status >= 500 ? status : facts.grpcStatus;
    const failed = status >= 500 || (failure !== null && GRPC_SERVER_ERRORS.has(failure));
    const error = this.#error ?? (failed ? String(failure) : null);
    const { host, port } = hostAndPort(facts.host, facts.scheme);
    const attributes: [string, AttributeValue | null][] = [
      ...methodOf(facts),
      ['url.scheme', facts.scheme],
      ['url.path', pathOf(facts)],
      ['server.address', host],
      ['server.port', port],
      ['network.protocol.version', versionOf(facts.httpVersion)],
      ['http.response.status_code', status === 0 ? null : status],
      ...grpcOf(facts.grpcStatus),
      ['error.type', error],
      ['qedge.service', facts.service],
      ['qedge.attempts', this.#attempts.length],
      ['qedge.request.id', facts.requestId],
      ['qedge.client', this.#tracer.clientId ? facts.client : null],
    ];
    return {
      ...this.#common(this.#spanId, facts),
      parentSpanId: this.#parent?.spanId ?? null,
      remoteParent: this.#parent !== null,
      kind: 'server',
      startMs: this.#wallOffsetMs + this.#startMs,
      endMs: this.#wallOffsetMs + nowMs,
      attributes: known(attributes),
      // What the client did wrong is no failure of the server.
      failed: error !== null && (status === 0 || failed),
    };
  }

  #clientSpan(one: Attempt, index: number, facts: RequestFacts): Span {
    const { key, instance } = one.target;
    const { scheme, host, port } = instance;
    const failure = one.status >= 400 ? one.status : one.grpcStatus;
    const error = one.error ?? (failure !== null && failure !== 0 ? String(failure) : null);
    const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const attributes: [string, AttributeValue | null][] = [
      ...methodOf(facts),
      ['url.full', `${scheme === 'https' ? 'https' : 'http'}://${authority}${pathOf(facts)}`],
      ['server.address', host],
      ['server.port', port],
      ['network.protocol.version', scheme === 'h2c' ? '2' : '1.1'],
      ['http.request.resend_count', index === 0 ? null : index],
      ['http.response.status_code', one.status === 0 ? null : one.status],
      ...grpcOf(one.grpcStatus),
      ['error.type', error],
      ['qedge.service', facts.service],
      ['qedge.instance', key],
    ];
    return {
      ...this.#common(one.spanId, facts),
      parentSpanId: this.#spanId,
      remoteParent: false,
      kind: 'client',
      startMs: this.#wallOffsetMs + one.startMs,
      endMs: this.#wallOffsetMs + one.endMs,
      attributes: known(attributes),
      failed: error !== null,
    };
  }

  #common(spanId: string, { method }: RequestFacts): Pick<Span, 'traceId' | 'spanId' | 'traceState' | 'name'> {
    const name = METHODS.has(method) ? method : 'HTTP';
    return { traceId: this.#traceId, spanId, traceState: this.#traceState, name };
  }
}

/** Those of RFC 9110 and PATCH: others would make an attribute without bounds. */
const METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
]);

function methodOf({ method }: RequestFacts): [string, AttributeValue | null][] {
  if (METHODS.has(method)) return [['http.request.method', method]];
  return [
    ['http.request.method', '_OTHER'],
    ['http.request.method_original', method],
  ];
}

/** UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS: the others are the client's doing. */
const GRPC_SERVER_ERRORS: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

function grpcOf(status: number | null): [string, AttributeValue | null][] {
  if (status === null) return [];
  return [
    ['rpc.system', 'grpc'],
    ['rpc.grpc.status_code', status],
  ];
}

/** Without the query, which may carry a token. */
function pathOf({ target }: RequestFacts): string {
  return target.split('?', 1)[0] ?? '';
}

function versionOf(httpVersion: string): string {
  return httpVersion === '2.0' ? '2' : httpVersion;
}

function hostAndPort(authority: string | null, scheme: string): { host: string | null; port: number | null } {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(authority ?? '');
  if (match === null || match[1] === '') return { host: null, port: null };
  const port = match[2] === undefined ? (scheme === 'https' ? 443 : 80) : Number(match[2]);
  return { host: (match[1] ?? '').replace(/^\[|\]$/g, ''), port };
}

function known(attributes: readonly [string, AttributeValue | null][]): [string, AttributeValue][] {
  return attributes.flatMap(([key, value]) =>
    value === null ? [] : [[key, value] satisfies [string, AttributeValue]],
  );
}
