// What the first line of a cleartext connection makes of it, over real sockets.

import { describe, expect, it } from 'vitest';
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
