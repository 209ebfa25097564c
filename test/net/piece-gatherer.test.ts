import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { gatherPieces } from '../../src/net/piece-gatherer.ts';

/** A source that reads on when it is asked to. */
function source(): {
  readonly stream: Readable;
  readonly asked: () => number;
  readonly got: Buffer[];
  readonly stop: () => void;
} {
  let asked = 0;
  const stream = new Readable({
    read() {
      asked++;
    },
  });
  const stop = gatherPieces(stream);
  const got: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => got.push(chunk));
  return { stream, asked: () => asked, got, stop };
}

const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString();

describe('a stream whose pieces are gathered', () => {
  it('passes on a single piece at once', async () => {
    const { stream, got } = source();
    await turn();
    stream.push(Buffer.from('one'));
    expect(text(got)).toBe('one');
  });

  it('passes on a large piece as it is', async () => {
    const { stream, got } = source();
    await turn();
    const large = Buffer.alloc(10_000, 'x');
    stream.push(Buffer.from('a'));
    stream.push(Buffer.from('b'));
    stream.push(large);
    expect(got[2]).toBe(large);
    expect(text(got.slice(0, 2))).toBe('ab');
  });

  it('passes on the pieces of a turn as few, in order and before its end', async () => {
    const { stream, got } = source();
    const ended = new Promise((resolve) => stream.on('end', resolve));
    await turn();
    let sent = '';
    for (let i = 0; i < 50_000; i++) {
      const piece = String(i % 10);
      sent += piece;
      stream.push(Buffer.from(piece));
    }
    stream.push(null);
    await ended;
    expect(text(got)).toBe(sent);
    expect(got.length).toBeLessThan(10);
  });

  it.each([10, 1000])(
    'passes on each as it comes, behind the %d before, once they are gathered no more',
    async (pieces) => {
      const { stream, asked, got, stop } = source();
      await turn();
      for (let i = 0; i < pieces; i++) stream.push(Buffer.from(String(i % 10)));
      const before = asked();
      stop();
      expect(asked() > before).toBe(pieces === 1000);
      const count = got.length;
      stream.push(Buffer.from('a'));
      stream.push(Buffer.from('b'));
      expect(got.length).toBe(count + 2);
      await turn();
      expect(text(got)).toBe(`${'0123456789'.repeat(pieces / 10)}ab`);
    },
  );

  it.each([[Buffer.alloc(5000, 'c')], [null]])(
    'gives what comes behind a gathered piece to the owner that it got by that piece',
    async (behind) => {
      const { stream, got, stop } = source();
      await turn();
      const given: (Buffer | null)[] = [];
      stream.on('data', () => {
        if (got.length < 2) return;
        stop();
        stream.push = (chunk: Buffer | null): boolean => {
          given.push(chunk);
          return true;
        };
      });
      stream.push(Buffer.from('a'));
      stream.push(Buffer.from('b'));
      stream.push(behind);
      expect(text(got)).toBe('ab');
      expect(given).toEqual([behind]);
    },
  );

  it('is stopped after too many pieces, and read again in a later turn', async () => {
    const { stream, asked } = source();
    await turn();
    const before = asked();
    let goesOn = true;
    let pieces = 0;
    while (goesOn && pieces < 1000) {
      pieces++;
      goesOn = stream.push(Buffer.from('x'));
    }
    expect(pieces).toBeLessThan(200);
    while (asked() === before) await turn();
    expect(stream.push(Buffer.from('y'))).toBe(true);
  });

  it('is read again although all that came has been passed on already', async () => {
    const { stream, asked } = source();
    await turn();
    for (let i = 0; i < 200; i++) stream.push(Buffer.from('x'));
    stream.push(Buffer.alloc(5000));
    // Readable asks by itself in the tick behind a large piece, when the source is about to be stopped.
    await Promise.resolve();
    const before = asked();
    while (asked() === before) await turn();
  });

  it('that is destroyed passes on nothing more', async () => {
    const { stream, got } = source();
    await turn();
    stream.push(Buffer.from('a'));
    stream.push(Buffer.from('b'));
    stream.destroy();
    for (let i = 0; i < 3; i++) await turn();
    expect(text(got)).toBe('a');
  });
});

it('a stream that was full when its turn came reads on once it is read', async () => {
  let asked = 0;
  const stream = new Readable({
    highWaterMark: 4096,
    read() {
      asked++;
    },
  });
  gatherPieces(stream);
  stream.read(0);
  for (let i = 0; i < 200; i++) stream.push(Buffer.from('x'));
  stream.push(Buffer.alloc(8192));
  const before = asked;
  stream.on('data', () => {});
  for (let i = 0; i < 100 && asked === before; i++) await turn();
  expect(asked).toBeGreaterThan(before);
});

it('a thousand streams that gather at the same time take about what they gathered', async () => {
  const streams = Array.from({ length: 1000 }, () => source());
  await turn();
  const one = Buffer.from('1');
  const beforeBytes = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 50; i++) for (const { stream } of streams) stream.push(one);
  const gatheredBytes = process.memoryUsage().arrayBuffers - beforeBytes;
  // 49,000 bytes that wait; a buffer for each read of a socket would be 16 MB.
  expect(gatheredBytes).toBeLessThan(1_000_000);
  await turn();
  for (const { got } of streams) expect(text(got)).toBe('1'.repeat(50));
});
