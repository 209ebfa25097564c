// One batch over OTLP/HTTP, and what the collector made of it.

import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Agent } from 'undici';
import { addressBook } from '../../net/address-book.ts';
import { trustSystem } from '../../net/tls.ts';
import { undici } from '../../packages.ts';

export type SendResult =
  /** Taken; of its spans so many were refused. */
  | { readonly kind: 'taken'; readonly rejected: number; readonly reason: string }
  /** May be taken later; `afterMs` when the collector said how much later. */
  | { readonly kind: 'later'; readonly afterMs: number | null; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };

export interface Sender {
  /** Never throws. */
  send(body: string, signal: AbortSignal): Promise<SendResult>;
  close(): Promise<void>;
}

export interface SenderOptions {
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly compression: 'none' | 'gzip';
  /** CA of an https collector in PEM; null: the system's. */
  readonly ca: string | null;
}

/** https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const ANSWER_BYTES_MAX = 65_536;
const compress = promisify(gzip);

export function createSender(options: SenderOptions): Sender {
  if (options.ca === null && options.endpoint.startsWith('https:')) trustSystem();
  const agent = new (undici().Agent)({
    connections: 1,
    connect: { lookup: addressBook.lookup, ...(options.ca === null ? {} : { ca: options.ca }) },
  });
  return {
    async send(body, signal) {
      try {
        return await post(options, body, { agent, signal });
      } catch (error) {
        return { kind: 'later', afterMs: null, reason: reasonOf(error) };
      }
    },
    close: () => agent.destroy(),
  };
}

async function post(
  options: SenderOptions,
  text: string,
  { agent, signal }: { readonly agent: Agent; readonly signal: AbortSignal },
): Promise<SendResult> {
  const zipped = options.compression === 'gzip';
  const answer = await undici().request(options.endpoint, {
    method: 'POST',
    dispatcher: agent,
    signal: AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs)]),
    headers: {
      'content-type': 'application/json',
      ...(zipped ? { 'content-encoding': 'gzip' } : {}),
      ...options.headers,
    },
    body: zipped ? await compress(text) : text,
  });
  const said = await beginningOf(answer.body);
  const { statusCode, headers } = answer;
  if (statusCode >= 200 && statusCode < 300) return taken(said);
  const reason = `status ${statusCode}`;
  if (!RETRYABLE.has(statusCode)) return { kind: 'refused', reason };
  return { kind: 'later', afterMs: retryAfterMs(headers['retry-after']), reason };
}

/** What is longer is not read any further. */
async function beginningOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).toString();
}

/** `ExportTraceServiceResponse`; what cannot be read as one says that all is well. */
function taken(said: string): SendResult {
  let partial: { rejectedSpans?: unknown; errorMessage?: unknown } | undefined;
  try {
    partial = (JSON.parse(said) as { partialSuccess?: typeof partial } | null)?.partialSuccess;
  } catch {
    partial = undefined;
  }
  const rejected = Number(partial?.rejectedSpans ?? 0);
  const reason = String(partial?.errorMessage ?? '');
  return { kind: 'taken', rejected: Number.isFinite(rejected) ? Math.max(0, rejected) : 0, reason };
}

/** Seconds or a date (RFC 9110 section 10.2.3). */
function retryAfterMs(value: string | string[] | undefined): number | null {
  if (typeof value !== 'string') return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return typeof code === 'string' ? code : String(message);
}
