// A client of HTTP/2 for tests: one connection, and requests of service `svc` on it.

import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2';
import { onTestFinished } from 'vitest';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Name, value, name, value, … of the head. */
  readonly raw: readonly string[];
  readonly body: string;
  /** Name, value, name, value, … */
  readonly trailers: readonly string[];
  /** The 1xx before it, in the same form. */
  readonly information: readonly (readonly string[])[];
}

/** Closed when the test is over. */
export function session(url: string): ClientHttp2Session {
  const client = connect(url);
  client.on('error', () => {});
  onTestFinished(() => client.destroy());
  return client;
}

/** Rejects when the stream is reset. */
export function ask(
  client: ClientHttp2Session,
  headers: Record<string, string | string[]>,
  body: readonly string[] = [],
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = client.request({ 'x-qedge-service': 'svc', ...headers }, { endStream: body.length === 0 });
    let status = 0;
    let head: IncomingHttpHeaders = {};
    let raw: readonly string[] = [];
    let trailers: readonly string[] = [];
    const information: (readonly string[])[] = [];
    let text = '';
    stream.on('headers', (_fields, _flags, rawFields) => information.push(rawFields as unknown as string[]));
    stream.on('response', (fields, _flags, rawFields) => {
      status = fields[':status'] ?? 0;
      head = fields;
      raw = rawFields as unknown as string[];
    });
    stream.on('trailers', (_fields, _flags, rawFields) => {
      trailers = rawFields as unknown as string[];
    });
    stream.setEncoding('latin1');
    stream.on('data', (chunk: string) => {
      text += chunk;
    });
    stream.on('end', () => {
      if (stream.rstCode === constants.NGHTTP2_NO_ERROR)
        resolve({ status, headers: head, raw, body: text, trailers, information });
    });
    stream.on('error', reject);
    for (const part of body) stream.write(part);
    if (body.length > 0) stream.end();
  });
}
