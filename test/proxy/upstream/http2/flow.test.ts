// Bodies that are larger than all windows, to and from an instance of HTTP/2.

import { createServer, type Http2Stream, type ServerHttp2Stream } from 'node:http2';
import type { Server as NetServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { session } from '../../../support/http2-client.ts';
import { listening } from '../../../support/listening.ts';
import { startProxy, type TestProxy, until } from '../../../support/proxy.ts';

const TOTAL_BYTES = 16 * 1024 * 1024;
const QOS = { latencyMs: 60_000, successRatio: 0.9, windowMs: 10_000 };

async function proxyTo(onStream: (stream: ServerHttp2Stream) => void): Promise<TestProxy> {
  const server = createServer();
  server.on('session', (one) => onTestFinished(() => one.destroy()));
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    onStream(stream);
  });
  onTestFinished(() => void server.close());
  const port = await listening(server as unknown as NetServer);
  return startProxy([{ name: 'svc', ports: [port], scheme: 'h2c', qos: QOS }]);
}

/** Writes a body as it is taken. Returns how far that is. */
function write(stream: Http2Stream): { bytes: number } {
  const written = { bytes: 0 };
  const part = Buffer.alloc(64 * 1024, 'x');
  const more = (): void => {
    while (written.bytes < TOTAL_BYTES) {
      written.bytes += part.length;
      if (!stream.write(part)) return void stream.once('drain', more);
    }
    stream.end();
  };
  more();
  return written;
}

describe('an instance of HTTP/2', () => {
  it('is read no faster than its client reads, and all of it arrives', async () => {
    let written = { bytes: 0 };
    const proxy = await proxyTo((stream) => {
      stream.respond({ ':status': 200 });
      written = write(stream);
    });
    const stream = session(proxy.url).request({ ':path': '/', 'x-qedge-service': 'svc' });
    // Its windows fill up, those on the way, and the buffers of the system between.
    let before = -1;
    await until(() => {
      const stands = written.bytes > 0 && written.bytes === before;
      before = written.bytes;
      return stands;
    });
    expect(written.bytes).toBeLessThan(TOTAL_BYTES / 4);
    let bytes = 0;
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await new Promise((resolve) => stream.once('end', resolve));
    expect(bytes).toBe(TOTAL_BYTES);
  });

  it('gets a body while its answer to that goes the other way', async () => {
    const proxy = await proxyTo((stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    const stream = session(proxy.url).request({ ':method': 'POST', 'x-qedge-service': 'svc' });
    write(stream);
    let bytes = 0;
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await new Promise((resolve) => stream.once('end', resolve));
    expect(bytes).toBe(TOTAL_BYTES);
  });

  it('may change its mind about the windows of streams under way', async () => {
    let heard = 0;
    const proxy = await proxyTo((stream) => {
      stream.session?.settings({ initialWindowSize: 1000 });
      stream.on('data', (chunk: Buffer) => {
        heard += chunk.length;
        if (heard < 200_000) stream.session?.settings({ initialWindowSize: 1000 + (heard % 70_000) });
      });
      stream.on('end', () => {
        stream.respond({ ':status': 200 });
        stream.end(String(heard));
      });
    });
    const answer = await fetch(proxy.url, {
      method: 'POST',
      body: Buffer.alloc(1_000_000),
      headers: { 'x-qedge-service': 'svc' },
    });
    expect(await answer.text()).toBe('1000000');
  });
});
