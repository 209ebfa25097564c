// What the first line of a cleartext connection makes of it, over real sockets.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sniff } from '../../../src/proxy/downstream/sniff.ts';
import { listening } from '../../support/listening.ts';
import { textOf } from '../../support/metrics.ts';
import { rawRequest, startProxy } from '../../support/proxy.ts';

describe('a first line of neither version of HTTP', () => {
  it('closes the connection without an answer, and counts as a bad request', async () => {
    const { port, metrics } = await startProxy([]);
    const answer = await rawRequest(port, 'INVALID CONNECTION PREFACE\r\n\r\n');
    expect(answer.text).toBe('');
    expect(textOf(metrics)).toContain('qedge_errors_total{service="",code="bad-request"} 1');
  });

  it.each(['GET /\r\n\r\n', 'BREW / HTTP/1.1\r\n\r\n', '\r\nGET / HTTP/1.2\r\n\r\n'])(
    'is not %j, which is answered 400',
    async (bytes) => {
      const { port } = await startProxy([]);
      expect((await rawRequest(port, bytes)).status).toBe(400);
    },
  );
});

describe('a connection that is closed as its first bytes come', () => {
  it('is not handed on', async () => {
    const server = createServer();
    onTestFinished(() => void server.close());
    const client = connect(await listening(server), '127.0.0.1');
    onTestFinished(() => void client.destroy());
    const [socket] = (await once(server, 'connection')) as [Socket];
    let found = false;
    sniff(socket, 10_000, () => {
      found = true;
    });
    socket.on('readable', () => socket.destroy());
    client.write('GET / HTTP/1.1\r\n\r\n');
    await once(socket, 'close');
    expect(found).toBe(false);
  });
});
