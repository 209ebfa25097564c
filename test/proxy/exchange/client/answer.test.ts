import { describe, expect, it } from 'vitest';
import { Answer } from '../../../../src/proxy/exchange/client/answer.ts';
import type { ClientResponse } from '../../../../src/proxy/exchange/client/message.ts';

/** Keeps what it is given until `text` is asked for, as a socket does whose client does not read. */
class SlowResponse implements ClientResponse {
  headersSent = false;
  shouldKeepAlive = true;
  readonly chunkedEncoding = false;
  readonly #kept: Buffer[] = [];

  writeHead(): void {
    this.headersSent = true;
  }

  flushHeaders(): void {}

  write(chunk: Buffer): boolean {
    this.#kept.push(chunk);
    return true;
  }

  end(chunk: Buffer | string = '', encoding: 'latin1' | 'utf8' = 'utf8'): void {
    this.#kept.push(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
  }

  addTrailers(): void {}
  writeContinue(): void {}
  writeInformation(): void {}
  on(): void {}

  get text(): string {
    return Buffer.concat(this.#kept).toString('latin1');
  }
}

describe('an answer', () => {
  it.each([1, 2, 5])('is whole, though its %d short pieces came in one buffer that is read into again', (count) => {
    const response = new SlowResponse();
    const answer = new Answer(response, { reset: () => {} });
    const listener = { onDrain: () => {} };
    const shared = Buffer.alloc(4096);
    answer.head(200, 'OK', []);
    let sent = '';
    for (let i = 0; i < count; i++) {
      shared.fill(0xf0 + i);
      const piece = shared.subarray(0, 800 * (i + 1));
      sent += piece.toString('latin1');
      answer.write(piece, listener);
    }
    shared.fill(0);
    answer.end([]);
    expect(response.text === sent).toBe(true);
  });
});
