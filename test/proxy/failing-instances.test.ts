// Instances that refuse, hang up, die halfway or talk nonsense: what the client sees and what the router learns.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { textOf } from '../support/metrics.ts';
import { PATIENCE } from '../support/patience.ts';
import { bodyOf, deadPort, rawRequest, startInstance, startProxy, startRawInstance, until } from '../support/proxy.ts';

const GET = 'GET / HTTP/1.1\r\nHost: pilotnet\r\n\r\n';
const CLOSE = 'Host: pilotnet\r\nConnection: close\r\n';
/** The first is read by the short way in, the second by node:http. */
const WAYS_IN = ['GET', 'PROPFIND'];

describe('an instance that answers early and resets what it did not read', () => {
  it('is heard: its 413 is passed on', async () => {
    const port = await startRawInstance((socket) => {
      socket.once('data', () => {
        socket.pause();
        const answer = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nover';
        socket.end(answer, () => setTimeout(() => socket.destroy(), 0));
      });
    });
    const { url, observed } = await startProxy([{ name: 'pilotnet', ports: [port] }]);
    for (let i = 0; i < 5; i++) {
      const answer = await fetch(url, {
        method: 'POST',
        body: Buffer.alloc(4 << 20),
        headers: { 'X-QEdge-Service': 'pilotnet' },
      });
      expect([answer.status, await answer.text()]).toEqual([413, 'over']);
    }
    expect(observed.map(({ result }) => result)).not.toContain('refused');
  });
});

describe('the keep-alive reuse race', () => {
  /** Answers the first request of each connection and hangs up, without a word, when the second comes. */
  function hangsUpOnReuse(): Promise<number> {
    return startRawInstance((socket) => {
      let requests = 0;
      socket.on('data', () => {
        if (requests++ === 0) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        else socket.resetAndDestroy();
      });
    });
  }

  it('is retried for what is idempotent', async () => {
    const retry = { budgetRatio: 1 };
    const { url, observed } = await startProxy([{ name: 'pilotnet', ports: [await hangsUpOnReuse()], retry }]);
    for (let i = 0; i < 6; i++) {
      const answer = await fetch(url, { headers: { 'X-QEdge-Service': 'pilotnet' } });
      expect(answer.status).toBe(200);
      await answer.text();
    }
    expect(observed.some(({ result }) => result === 'refused')).toBe(true);
  });

  it('is retried on a connection of its own, however many stale ones there are', async () => {
    const retry = { attempts: 1 };
    const { url, proxy } = await startProxy([{ name: 'pilotnet', ports: [await hangsUpOnReuse()], retry }]);
    const ask = async (): Promise<number> => {
      const answer = await fetch(url, { headers: { 'X-QEdge-Service': 'pilotnet' } });
      await answer.text();
      return answer.status;
    };
    await Promise.all([ask(), ask(), ask(), ask()]);
    expect(proxy.stats().services[0]?.upstreamConnections).toBeGreaterThanOrEqual(2);
    expect(await ask()).toBe(200);
  });

  it('is not retried for a POST that the instance may have seen', async () => {
    const { url } = await startProxy([{ name: 'pilotnet', ports: [await hangsUpOnReuse()] }]);
    const statuses: number[] = [];
    for (let i = 0; i < 2; i++) {
      const answer = await fetch(url, { method: 'POST', body: 'x', headers: { 'X-QEdge-Service': 'pilotnet' } });
      statuses.push(answer.status);
      await answer.text();
    }
    expect(statuses).toEqual([200, 502]);
  });

  it('is avoided once the instance was seen to close idle connections', async () => {
    const instance = await startInstance(async (request, response) => response.end(await bodyOf(request)));
    instance.server.keepAliveTimeout = 40;
    instance.server.keepAliveTimeoutBuffer = 0;
    instance.server.on('request', (_, response) => response.removeHeader('Keep-Alive'));
    const { url, observed } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    for (let i = 0; i < 40; i++) {
      const answer = await fetch(url, { method: 'POST', body: 'x', headers: { 'X-QEdge-Service': 'pilotnet' } });
      expect(answer.status).toBe(200);
      await answer.text();
      await new Promise((resolve) => setTimeout(resolve, 36 + (i % 9)));
    }
    expect(observed.every(({ result }) => result === 'answered')).toBe(true);
  });
});

describe('an instance', () => {
  it.each(WAYS_IN)(
    'that sends interim answers without end, here to %s, makes a 502 and holds no memory',
    async (method) => {
      const piece = `HTTP/1.1 103 Early Hints\r\nLink: <${'x'.repeat(900)}>\r\n\r\n`.repeat(64);
      let sentBytes = 0;
      const instance = await startRawInstance((socket) => {
        const send = (): void => {
          while (!socket.destroyed && socket.write(piece)) sentBytes += piece.length;
        };
        socket.on('drain', send).once('data', send);
      });
      const { port, proxy } = await startProxy([{ name: 'pilotnet', ports: [instance], retry: { attempts: 0 } }]);
      const { text } = await rawRequest(port, `${method} / HTTP/1.1\r\n${CLOSE}\r\n`);
      expect(text).toContain('X-QEdge-Error: upstream-protocol');
      expect(text.match(/HTTP\/1\.1 103/g)?.length).toBeLessThan(80);
      expect(sentBytes).toBeLessThan(16 * 1024 * 1024);
      await until(() => proxy.stats().services[0]?.upstreamConnections === 0);
    },
  );

  it('that dies before its head makes a 502', async () => {
    const port = await startRawInstance((socket) => socket.on('data', () => socket.destroy()));
    const proxy = await startProxy([{ name: 'pilotnet', ports: [port] }]);
    const answer = await rawRequest(proxy.port, `POST / HTTP/1.1\r\n${CLOSE}Content-Length: 1\r\n\r\nx`);
    expect(answer.status).toBe(502);
    expect(answer.head).toContain('X-QEdge-Error: upstream-reset');
    expect(proxy.observed.map(({ result }) => result)).toEqual(['refused']);
  });

  const halves = [
    ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of i'],
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf of i\r\n'],
  ] as const;
  const deaths = WAYS_IN.flatMap((method) => halves.map(([framing, half]) => [framing, method, half] as const));
  it.each(deaths)('that dies in the middle of a body with %s resets the client of a %s', async (_, method, half) => {
    const port = await startRawInstance((socket) =>
      socket.on('data', () => {
        socket.write(half);
        setTimeout(() => socket.destroy(), 30);
      }),
    );
    const proxy = await startProxy([{ name: 'pilotnet', ports: [port] }]);
    const answer = await rawRequest(proxy.port, GET.replace('GET', method));
    expect(answer.text).toContain('half of i');
    expect(answer.ending).toBe('reset');
    expect(proxy.observed.map(({ result }) => result)).toEqual(['failed']);
    expect(proxy.accounts).toEqual([{ clientId: '127.0.0.1', success: false }]);
  });

  it.each([
    ['no HTTP at all', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    [
      'a transfer coding that was not asked for',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    ],
    [
      'chunks within chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n\r\n0\r\n\r\n',
    ],
    [
      'a switch of protocols that was not asked for',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    ],
  ])('that answers with %s makes a 502', async (_, bytes) => {
    let open = 0;
    const port = await startRawInstance((socket) => {
      open++;
      socket.on('data', () => socket.write(bytes)).on('end', () => socket.end());
      socket.on('close', () => open--);
    });
    const proxy = await startProxy([{ name: 'pilotnet', ports: [port], retry: { bodyBytesMax: 0 } }]);
    const streamed = `POST / HTTP/1.1\r\n${CLOSE}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`;
    for (const request of [`GET / HTTP/1.1\r\n${CLOSE}\r\n`, streamed]) {
      const answer = await rawRequest(proxy.port, request);
      expect(answer.status).toBe(502);
      expect(answer.head).toMatch(/X-QEdge-Error: upstream-(?:protocol|reset)/);
    }
    expect(proxy.observed.map(({ result }) => result)).not.toContain('answered');
    await until(() => open === 0);
  });

  it.each([
    ['a control character in its reason', 'HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok'],
    ['a control character in the reason of a head alone', 'HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\n'],
    ['a control character in a value', 'HTTP/1.1 200 OK\r\nX: a\x01b\r\nContent-Length: 2\r\n\r\nok'],
    ['a status below 100', 'HTTP/1.1 042 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['a trailer for HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n'],
    ['a length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nok'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok'],
    [
      'more than it announced',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    ],
  ])('that answers with %s harms no other request', async (_, bytes) => {
    const bad = await startRawInstance((socket) => socket.on('data', () => socket.write(bytes)));
    const good = await startInstance((_, response) => response.end('good'));
    const proxy = await startProxy([
      { name: 'bad', ports: [bad], timeoutMs: 300 },
      { name: 'good', ports: [good.port] },
    ]);
    for (const method of ['HEAD', 'GET', 'GET', 'GET']) {
      const answer = await rawRequest(proxy.port, `${method} / HTTP/1.1\r\nHost: bad\r\nConnection: close\r\n\r\n`);
      expect(answer.text).not.toContain('evil');
    }
    const streamed = `POST / HTTP/1.1\r\nHost: bad\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n`;
    await rawRequest(proxy.port, `${streamed}GET / HTTP/1.1\r\nHost: bad\r\nConnection: close\r\n\r\n`);
    const answer = await rawRequest(proxy.port, 'GET / HTTP/1.1\r\nHost: good\r\nConnection: close\r\n\r\n');
    expect(answer.body).toBe('good');
    await expect.poll(() => proxy.proxy.stats().inFlight, PATIENCE).toBe(0);
  });

  it.each(['Content-Length: 3', 'Transfer-Encoding: chunked'])(
    'that answers with a head of 40 KB is passed on, also to a request with %s that is streamed',
    async (framing) => {
      const fields = Array.from({ length: 40 }, (_, index) => `X-${index}: ${'y'.repeat(1000)}\r\n`).join('');
      const instance = await startInstance(async (request, response) => {
        await bodyOf(request);
        response.socket?.end(`HTTP/1.1 200 OK\r\n${fields}Content-Length: 2\r\n\r\nok`);
      });
      const retry = { bodyBytesMax: 0 };
      const { port } = await startProxy([{ name: 'pilotnet', ports: [instance.port], retry }]);
      const body = framing.startsWith('C') ? 'abc' : '3\r\nabc\r\n0\r\n\r\n';
      const answer = await rawRequest(port, `POST / HTTP/1.1\r\n${CLOSE}${framing}\r\n\r\n${body}`);
      expect(answer.status).toBe(200);
      expect(answer.head).toContain('X-39: yyy');
    },
  );

  it('that answers with 500 is passed on and counts as failed', async () => {
    const instance = await startInstance((_, response) => {
      response.statusCode = 500;
      response.end('sorry');
    });
    const { port, observed } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const answer = await rawRequest(port, `GET / HTTP/1.1\r\n${CLOSE}\r\n`);
    expect(answer.status).toBe(500);
    expect(answer.body).toContain('sorry');
    expect(observed.map(({ result }) => result)).toEqual(['failed']);
  });

  it('that answers before the whole request has come is passed on', async () => {
    const port = await startRawInstance((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 413 Too Much\r\nContent-Length: 2\r\n\r\nno'));
    });
    const proxy = await startProxy([{ name: 'pilotnet', ports: [port] }]);
    const answer = await rawRequest(
      proxy.port,
      `POST / HTTP/1.1\r\nHost: pilotnet\r\nContent-Length: 10000000\r\n\r\n${'x'.repeat(100_000)}`,
    );
    expect(answer.status).toBe(413);
    expect(answer.body).toBe('no');
    expect(answer.head).toContain('Connection: close');
  });

  it('that goes on with its answer is not given up on, however long it takes', async () => {
    let answer: Socket | null = null;
    const port = await startRawInstance((socket) => {
      socket.once('data', () => {
        answer = socket;
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n');
      });
    });
    const proxy = await startProxy([{ name: 'pilotnet', ports: [port], timeoutMs: 1000 }]);
    const client = connect(proxy.port, '127.0.0.1');
    client.write(GET);
    await once(client, 'data');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    for (let i = 0; i < 20; i++) {
      await vi.advanceTimersByTimeAsync(900);
      (answer as Socket | null)?.write('x');
      const [chunk] = await once(client, 'data');
      expect(String(chunk)).toBe('x');
    }
    expect(proxy.observed.map(({ result }) => result)).toEqual(['answered']);
    client.destroy();
  });

  it('that stalls in the middle of its answer is given up on', async () => {
    const port = await startRawInstance((socket) =>
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')),
    );
    const proxy = await startProxy([{ name: 'pilotnet', ports: [port], timeoutMs: 60 }]);
    const answer = await rawRequest(proxy.port, GET);
    expect(answer.ending).toBe('reset');
    expect(proxy.observed.map(({ result }) => result)).toEqual(['timeout']);
  });
});

describe('a retry', () => {
  it('goes to another instance, and every attempt is an observation of its own', async () => {
    const dying = await startRawInstance((socket) => socket.on('data', () => socket.destroy()));
    const instance = await startInstance((_, response) => response.end('ok'));
    const { url, observed, accounts } = await startProxy([{ name: 'pilotnet', ports: [dying, instance.port] }]);
    for (let i = 0; i < 2; i++) {
      expect(await (await fetch(url, { headers: { 'X-QEdge-Service': 'pilotnet' } })).text()).toBe('ok');
    }
    expect(observed.map(({ key, result }) => [key, result])).toContainEqual(['n1/a', 'refused']);
    expect(observed.filter(({ result }) => result === 'answered')).toHaveLength(2);
    expect(accounts.map(({ success }) => success)).toEqual([true, true]);
  });

  it('replays a streamed body whose first bytes are still here', async () => {
    const instance = await startInstance(async (request, response) =>
      response.end(String((await bodyOf(request)).length)),
    );
    const { url, observed } = await startProxy([{ name: 'pilotnet', ports: [await deadPort(), instance.port] }]);
    for (let i = 0; i < 2; i++) {
      const answer = await fetch(url, {
        method: 'POST',
        body: Buffer.alloc(1_000_000),
        headers: { 'X-QEdge-Service': 'pilotnet' },
      });
      expect(await answer.text()).toBe('1000000');
    }
    expect(observed.map(({ result }) => result)).toContain('refused');
  });

  it('is free where nothing was sent: a burst onto one dead instance of three loses no request', async () => {
    const alive = async (): Promise<number> => (await startInstance((_, response) => void response.end('ok'))).port;
    const ports = [await deadPort(), await alive(), await alive()];
    const retry = { budgetRatio: 0, budgetPerSecond: 0 };
    const { url } = await startProxy([{ name: 'pilotnet', ports, retry }]);
    const ask = async (): Promise<number> => {
      const answer = await fetch(url, { method: 'POST', body: 'x', headers: { 'X-QEdge-Service': 'pilotnet' } });
      await answer.text();
      return answer.status;
    };
    const statuses = await Promise.all(Array.from({ length: 60 }, ask));
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  it('is not made once the budget is spent', async () => {
    const port = await deadPort();
    const { url, metrics } = await startProxy([
      { name: 'pilotnet', ports: [port], retry: { attempts: 5, budgetRatio: 0, budgetPerSecond: 2 } },
    ]);
    for (let i = 0; i < 3; i++) await (await fetch(url, { headers: { 'X-QEdge-Service': 'pilotnet' } })).text();
    expect(textOf(metrics)).toContain('qedge_retries_total{service="pilotnet"} 2');
  });
});

describe('a client that goes away', () => {
  it.each(WAYS_IN)('aborts its %s to the instance', async (method) => {
    let gone = false;
    const instance = await startInstance((request) => {
      request.socket.on('close', () => {
        gone = true;
      });
    });
    const proxy = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const client = connect(proxy.port, '127.0.0.1');
    client.write(GET.replace('GET', method));
    await once(instance.server, 'request');
    client.destroy();
    await until(() => gone);
    await until(() => proxy.observed.length === 1);
    expect(proxy.observed.map(({ result }) => result)).toEqual(['aborted']);
    expect(proxy.proxy.stats()).toMatchObject({ connections: 0, inFlight: 0 });
  });

  it.each(['Content-Length: 10000000\r\n\r\n', 'Transfer-Encoding: chunked\r\n\r\n989680\r\n'])(
    'aborts it in the middle of an upload of %j too',
    async (framing) => {
      let gone = false;
      const instance = await startInstance((request) => {
        request.on('data', () => {});
        request.socket.on('close', () => {
          gone = true;
        });
      });
      const proxy = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
      const client = connect(proxy.port, '127.0.0.1');
      client.write(`POST / HTTP/1.1\r\nHost: pilotnet\r\n${framing}${'x'.repeat(300_000)}`);
      await once(instance.server, 'request');
      client.destroy();
      await until(() => gone);
      await until(() => proxy.proxy.stats().inFlight === 0);
      expect(proxy.observed.map(({ result }) => result)).toEqual(['aborted']);
      await until(() => proxy.proxy.stats().services[0]?.upstreamConnections === 0);
    },
  );

  it('without having said a word leaves nothing behind', async () => {
    const proxy = await startProxy([]);
    const client = connect(proxy.port, '127.0.0.1');
    await until(() => proxy.proxy.stats().connections === 1);
    client.end();
    await once(client, 'close');
    await until(() => proxy.proxy.stats().connections === 0);
  });

  it('counts as a miss only when the limit had passed', async () => {
    const instance = await startInstance(() => {});
    const qos = { latencyMs: 30, successRatio: 0.9, windowMs: 10_000 };
    const proxy = await startProxy([{ name: 'pilotnet', ports: [instance.port], qos }]);
    const early = connect(proxy.port, '127.0.0.1');
    early.write(GET);
    await once(instance.server, 'request');
    early.destroy();
    await until(() => proxy.observed.length === 1);
    expect(proxy.accounts).toEqual([]);
    const late = connect(proxy.port, '127.0.0.1');
    late.write(GET);
    await until(() => proxy.proxy.stats().inFlight === 1);
    await new Promise((resolve) => setTimeout(resolve, 60));
    late.destroy();
    await until(() => proxy.observed.length === 2);
    expect(proxy.accounts).toEqual([{ clientId: '127.0.0.1', success: false }]);
  });
});

describe('a client that asks in turns for what there is and for what there is not', () => {
  it('puts no instance out, though chance brings all of the latter to one', async () => {
    const ports = await Promise.all(
      [0, 1].map(async () => {
        const { port } = await startInstance((request, response) => {
          response.writeHead(request.url === '/' ? 200 : 404).end('left');
        });
        return port;
      }),
    );
    const proxy = await startProxy([{ name: 'cam', ports, policy: { name: 'round-robin', options: {} } }]);
    for (let i = 0; i < 60; i++) {
      const target = i % 2 === 0 ? '/' : '/none';
      await rawRequest(proxy.port, `GET ${target} HTTP/1.1\r\nHost: cam\r\nConnection: close\r\n\r\n`);
    }
    expect(new Set(proxy.observed.map(({ result }) => result))).toEqual(new Set(['answered']));
  });
});

describe('a deadline that this process notices late', () => {
  it('is held against the instance for no longer than its client waited', async () => {
    const instance = await startInstance((request, response) => {
      if (request.headers['x-qedge-deadline-ms'] === undefined) setTimeout(() => response.end('ok'), 40);
      else busyFor(100);
    });
    const { url, observed } = await startProxy([
      { name: 'pilotnet', ports: [instance.port], qos: { latencyMs: 1000 } },
    ]);
    const ask = async (fields: Readonly<Record<string, string>>): Promise<number> => {
      const answer = await fetch(url, { headers: { 'X-QEdge-Service': 'pilotnet', ...fields } });
      await answer.text();
      return answer.status;
    };
    expect([await ask({}), await ask({}), await ask({ 'X-QEdge-Deadline-Ms': '10' })]).toEqual([200, 200, 504]);
    expect(observed.map(({ result }) => result)).toEqual(['answered', 'answered', 'aborted']);
  });
});

/** Holds the event loop, which instance and proxy share. */
function busyFor(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}
