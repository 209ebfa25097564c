// A collector for OTLP/HTTP with JSON: takes batches, holds each against the schema, and answers as it is asked.

import { createServer, type IncomingHttpHeaders } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { listening } from './listening.ts';
import { exportTraceServiceRequest, type OtlpAttributes, type OtlpSpan } from './otlp-schema.ts';

export interface OtlpCollector {
  readonly endpoint: string;
  /** Of all batches that were taken. */
  readonly spans: readonly OtlpSpan[];
  readonly resources: readonly OtlpAttributes[];
  readonly posts: readonly { readonly atMs: number; readonly headers: IncomingHttpHeaders }[];
}

export interface CollectorAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Starts one; it ends with the test that is running. `answer` is asked at each post; a batch is kept when it says 200. */
export async function startCollector(answer: () => CollectorAnswer = () => ({ status: 200 })): Promise<OtlpCollector> {
  const spans: OtlpSpan[] = [];
  const resources: OtlpAttributes[] = [];
  const posts: { atMs: number; headers: IncomingHttpHeaders }[] = [];
  const take = (bytes: Buffer): void => {
    for (const { resource, scopeSpans } of exportTraceServiceRequest.parse(JSON.parse(String(bytes))).resourceSpans) {
      resources.push(resource.attributes);
      for (const scope of scopeSpans) spans.push(...scope.spans);
    }
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      posts.push({ atMs: performance.now(), headers: request.headers });
      const { status, headers = {}, body = '{}' } = answer();
      const bytes = Buffer.concat(chunks);
      if (status === 200) take(request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes);
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    });
  });
  const port = await listening(server);
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return { endpoint: `http://127.0.0.1:${port}/v1/traces`, spans, resources, posts };
}
