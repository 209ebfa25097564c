import { get, type IncomingMessage } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MalformedResponseError } from '../../../../src/proxy/upstream/http1/framing.ts';
import { ResponseParser, type ResponseSink } from '../../../../src/proxy/upstream/http1/response-parser.ts';
import { listening } from '../../../support/listening.ts';

interface Read {
  readonly informations: readonly number[];
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  readonly reusable: boolean;
  readonly ended: boolean;
}

class Recorder implements ResponseSink {
  informations: number[] = [];
  status = 0;
  reason = '';
  fields: readonly string[] = [];
  body = '';
  trailers: readonly string[] = [];
  reusable = false;
  ended = false;

  onInformation(status: number): void {
    this.informations.push(status);
  }

  onHead(status: number, reason: string, fields: string[]): void {
    this.status = status;
    this.reason = reason;
    this.fields = fields;
  }

  onData(chunk: Buffer): void {
    this.body += chunk.toString('latin1');
  }

  onEnd(trailers: readonly string[], reusable: boolean): void {
    expect(this.ended).toBe(false);
    this.trailers = trailers;
    this.reusable = reusable;
    this.ended = true;
  }
}

/** Reads `pieces`, each through one buffer that is overwritten by the next, and then the end of the stream. */
function read(pieces: readonly Buffer[], { toHead = false, closes = true } = {}): Read {
  const recorder = new Recorder();
  const parser = new ResponseParser(recorder);
  const buffer = Buffer.alloc(1 + Math.max(0, ...pieces.map((piece) => piece.length)));
  parser.begin(toHead);
  for (const piece of pieces) {
    piece.copy(buffer);
    parser.feed(buffer.subarray(0, piece.length));
    buffer.fill('?');
  }
  if (closes && !recorder.ended) parser.finish();
  return recorder;
}

function readText(text: string, options?: { toHead?: boolean; closes?: boolean }): Read {
  return read([Buffer.from(text, 'latin1')], options);
}

function cut(text: string, at: readonly number[]): Buffer[] {
  const bounds = [0, ...at.map((index) => index % (text.length + 1)).sort((a, b) => a - b), text.length];
  return bounds.slice(1).map((bound, index) => Buffer.from(text.slice(bounds[index], bound), 'latin1'));
}

const tokenText = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/);
const valueText = fc.stringMatching(/^(?:[!-~\xa1-\xff](?:[ -~\xa1-\xff]{0,20}[!-~\xa1-\xff])?)?$/);
const fieldLines = fc.array(
  fc.tuple(
    tokenText.map((name) => `X-${name}`),
    valueText,
  ),
  { maxLength: 6 },
);
const bodyText = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 200,
});
const chunksText = fc.array(
  bodyText.filter((text) => text !== ''),
  { maxLength: 4 },
);

/** Answers that all parsers read the same way, with their status. */
const answers = fc
  .record({
    status: fc.constantFrom(200, 201, 206, 302, 404, 500, 503, 599),
    reason: fc.stringMatching(/^[!-~]?[ -~]{0,10}$/),
    fields: fieldLines,
    framing: fc.oneof(
      fc.record({ kind: fc.constant('length' as const), body: bodyText }),
      fc.record({
        kind: fc.constant('chunked' as const),
        chunks: chunksText,
        trailers: fieldLines,
        upper: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('close' as const), body: bodyText }),
    ),
    information: fc.boolean(),
  })
  .map(({ status, reason, fields, framing, information }) => {
    const lines = (list: readonly (readonly [string, string])[]): string =>
      list.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const head = `HTTP/1.1 ${status} ${reason}\r\n${lines(fields)}`;
    const first = information ? 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' : '';
    if (framing.kind === 'length')
      return `${first}${head}Content-Length: ${framing.body.length}\r\n\r\n${framing.body}`;
    if (framing.kind === 'close') return `${first}${head}Connection: close\r\n\r\n${framing.body}`;
    const size = (chunk: string): string =>
      framing.upper ? chunk.length.toString(16).toUpperCase() : `000${chunk.length.toString(16)};ext="a;b"`;
    const chunks = framing.chunks.map((chunk) => `${size(chunk)}\r\n${chunk}\r\n`).join('');
    return `${first}${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n${lines(framing.trailers)}\r\n`;
  });

describe('chunks of one byte', () => {
  it('that came together are passed on together', () => {
    const chunks: number[] = [];
    const recorder = new Recorder();
    recorder.onData = (chunk) => chunks.push(chunk.length);
    const parser = new ResponseParser(recorder);
    parser.begin(false);
    parser.feed(Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'));
    parser.feed(Buffer.from('1\r\nx\r\n'.repeat(5000)));
    parser.feed(Buffer.from(`${'1\r\nx\r\n'.repeat(5000)}0\r\n\r\n`));
    expect(chunks).toEqual([5000, 5000]);
    expect(recorder.ended).toBe(true);
  });
});

describe('an answer', () => {
  it.each([
    { status: 200, toHead: true, left: 0 },
    { status: 304, toHead: false, left: 0 },
    { status: 200, toHead: false, left: 5_000_000 },
  ])('of status $status, to HEAD: $toHead, announces $left bytes to come', ({ status, toHead, left }) => {
    const recorder = new Recorder();
    const parser = new ResponseParser(recorder);
    let announced = -1;
    recorder.onHead = () => {
      announced = parser.bytesLeft;
    };
    parser.begin(toHead);
    parser.feed(Buffer.from(`HTTP/1.1 ${status} OK\r\nContent-Length: 5000000\r\n\r\n`));
    expect(announced).toBe(left);
  });

  it('reads the same in pieces of any size it comes', () => {
    fc.assert(
      fc.property(answers, fc.array(fc.nat(), { maxLength: 8 }), (text, at) => {
        const whole = readText(text);
        const pieces = read(cut(text, at));
        expect(pieces.ended).toBe(true);
        expect({ ...pieces, reusable: null }).toEqual({ ...whole, reusable: null });
        // The connection is only good for more when nothing came behind the answer.
        if (whole.reusable) expect(pieces.reusable).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('reads the same byte by byte', () => {
    fc.assert(
      fc.property(answers, (text) => {
        const pieces = [...text].map((character) => Buffer.from(character, 'latin1'));
        expect(read(pieces)).toEqual(readText(text));
      }),
      { numRuns: 100 },
    );
  });

  it('reads as node:http reads it', async () => {
    const server = await startAnswering();
    await fc.assert(
      fc.asyncProperty(answers, async (answer) => {
        server.answer = answer;
        const ours = readText(answer);
        const theirs = await readWithNode(server.port);
        expect({ ...ours, reusable: null }).toEqual({ ...theirs, reusable: null });
      }),
      { numRuns: 150 },
    );
  });

  it('to HEAD, or of status 204 or 304, ends with its head', () => {
    const head = 'Content-Length: 5\r\n\r\n';
    expect(readText(`HTTP/1.1 200 OK\r\n${head}`, { toHead: true, closes: false })).toMatchObject({
      ended: true,
      body: '',
      reusable: true,
    });
    expect(readText(`HTTP/1.1 304 Not Modified\r\n${head}`, { closes: false })).toMatchObject({
      ended: true,
      reusable: true,
    });
    expect(readText('HTTP/1.1 204 No Content\r\n\r\n', { closes: false })).toMatchObject({
      ended: true,
      reusable: true,
    });
  });

  it('ends when its length is reached, and not before', () => {
    expect(readText('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour', { closes: true }).ended).toBe(false);
    expect(readText('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour', { closes: false })).toMatchObject({
      ended: true,
      reusable: true,
    });
  });

  it('without a length ends with its connection', () => {
    const text = 'HTTP/1.1 200 OK\r\n\r\nall of it';
    expect(readText(text, { closes: false }).ended).toBe(false);
    expect(readText(text)).toMatchObject({ ended: true, body: 'all of it', reusable: false });
  });

  it('that is cut off in a chunk never ends', () => {
    const text = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n';
    for (let length = 0; length < text.length; length++) expect(readText(text.slice(0, length)).ended).toBe(false);
  });

  it.each([
    ['HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', false],
    ['HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n', false],
    ['HTTP/1.1 200 OK\r\nConnection: disclose\r\nContent-Length: 0\r\n\r\n', true],
    ['HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', false],
    ['HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n', true],
    ['HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', false],
    ['HTTP/1.1 204 No Content\r\n\r\n', true],
    ['HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n', true],
    ['HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\n', false],
    ['HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n', false],
    ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK', false],
  ])('%j leaves a connection that may be used again: %s', (text, reusable) => {
    const recorder = new Recorder();
    const parser = new ResponseParser(recorder);
    parser.begin(false);
    try {
      parser.feed(Buffer.from(text));
    } catch (error) {
      expect(error).toBeInstanceOf(MalformedResponseError);
    }
    expect(recorder).toMatchObject({ ended: true, reusable });
  });

  it('reports how long its connection lasts', () => {
    const parser = new ResponseParser(new Recorder());
    parser.begin(false);
    parser.feed(Buffer.from('HTTP/1.1 200 OK\r\nKeep-Alive: max=100, timeout=5\r\nContent-Length: 0\r\n\r\n'));
    expect(parser.keepAliveSeconds).toBe(5);
  });
});

it.each([
  ['the head', 65_536, `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(70_000)}`],
  ['a chunk line', 4096, `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;${'x'.repeat(5000)}`],
  ['the trailers', 65_536, `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ${'x'.repeat(70_000)}`],
])('a part of an answer that is too long is named with its limit: %s', (what, bytesMax, text) => {
  expect(() => readText(text)).toThrow(`more than ${bytesMax} bytes in ${what} of the answer`);
});

describe('what two readers could take for two things', () => {
  it.each([
    ['a bare line feed', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n\r\n\r\n'],
    ['a bare line feed between fields', 'HTTP/1.1 200 OK\r\nA: b\nContent-Length: 0\r\n\r\n'],
    ['a bare carriage return', 'HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n'],
    ['a folded field', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n'],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello'],
    ['a field without a name', 'HTTP/1.1 200 OK\r\n: b\r\n\r\n'],
    ['NUL in a value', 'HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n'],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['something else than HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello'],
    ['a list of lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello'],
    ['a signed length', 'HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello'],
    ['a length beside chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a chunk size that is none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n'],
    ['a chunk size past all bounds', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'f'.repeat(17)}\r\n`],
    ['a chunk longer than its size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n'],
    [
      'a chunk that ends in a bare line feed',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n',
    ],
    [
      'a bare line feed in a chunk extension',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a\nb\r\nhello\r\n0\r\n\r\n',
    ],
    ['a folded trailer', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n c\r\n\r\n'],
    ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
    ['a head without an end', `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(70_000)}`],
    ['trailers without an end', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ${'x'.repeat(70_000)}`],
    ['a chunk line without an end', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;${'x'.repeat(5000)}`],
  ])('%s is an error', (_, text) => {
    expect(() => readText(text)).toThrow(MalformedResponseError);
    expect(() => read(cut(text, [20, 33, 47]))).toThrow(MalformedResponseError);
  });

  it('is refused by node:http as well, or read as we read it', async () => {
    const server = await startAnswering();
    const spoilt = fc
      .tuple(answers, fc.nat(), fc.constantFrom('\r', '\n', '\0', ' ', ':', '\t', 'x', '', '\r\n', ';'))
      .map(([answer, at, spoil]) => {
        const index = at % answer.length;
        return answer.slice(0, index) + spoil + answer.slice(index + 1);
      });
    await fc.assert(
      fc.asyncProperty(spoilt, async (answer) => {
        server.answer = answer;
        let ours: Read;
        try {
          ours = readText(answer);
        } catch {
          return;
        }
        if (!ours.ended) return;
        const theirs = await readWithNode(server.port);
        expect({ ...ours, reusable: null }).toEqual({ ...theirs, reusable: null });
      }),
      { numRuns: 300 },
    );
  });
});

/** Answers each request with the very bytes of `answer`, and ends the connection. */
async function startAnswering(): Promise<{ readonly port: number; answer: string }> {
  const server = createTcpServer();
  onTestFinished(() => void server.close());
  const answering = { port: await listening(server), answer: '' };
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.end(answering.answer, 'latin1'));
  });
  return answering;
}

/** What node:http makes of the answer on `port`; an error when it refuses it. */
function readWithNode(port: number): Promise<Read> {
  return new Promise((resolve, reject) => {
    const informations: number[] = [];
    const request = get({ port, host: '127.0.0.1', agent: false, insecureHTTPParser: false });
    request.on('error', reject);
    request.on('information', ({ statusCode }) => informations.push(statusCode));
    request.on('response', (response: IncomingMessage) => {
      let body = '';
      response.setEncoding('latin1');
      response.on('error', reject);
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => {
        resolve({
          informations,
          status: response.statusCode ?? 0,
          reason: response.statusMessage ?? '',
          fields: response.rawHeaders,
          body,
          trailers: response.rawTrailers,
          reusable: false,
          ended: response.complete,
        });
      });
    });
  });
}
