// Bytes above 0x7f in fields (RFC 9110 section 5.5) pass as they are, also where a head leaves before any of its body.

import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { startProxy, startRawInstance, until } from '../../../support/proxy.ts';

const BYTE = 'X-Name: Jos\xe9\r\n';

it('a chunked request with trailers and the head of its answer pass byte for byte', async () => {
  let request = '';
  const port = await startRawInstance((socket) => {
    socket.on('data', (chunk: Buffer) => {
      request += chunk.toString('latin1');
      if (request.endsWith('X-Sum: 1\r\n\r\n')) {
        socket.write(`HTTP/1.1 200 OK\r\n${BYTE}Transfer-Encoding: chunked\r\n\r\n`, 'latin1');
      }
    });
  });
  const proxy = await startProxy([{ name: 'svc', ports: [port] }]);
  const client = connect(proxy.port, '127.0.0.1');
  onTestFinished(() => void client.destroy());
  await once(client, 'connect');
  let answer = '';
  client.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
  });
  const head = `POST / HTTP/1.1\r\nHost: svc\r\n${BYTE}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n`;
  client.write(`${head}2\r\nab\r\n0\r\nX-Sum: 1\r\n\r\n`, 'latin1');
  await until(() => answer.includes('\r\n\r\n'));
  expect(request).toContain(BYTE);
  expect(answer).toContain(BYTE);
});
