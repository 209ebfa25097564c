import { once } from 'node:events';
import { createWriteStream, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { LogOutput } from '../../../src/telemetry/log/output.ts';

/** A reader that does not read until it is asked to. */
async function pausedReader() {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const writer = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [reader] = await accepted;
  onTestFinished(() => {
    writer.destroy();
    reader.destroy();
    server.close();
  });
  let text = '';
  const resume = () => reader.on('data', (chunk) => (text += chunk)).resume();
  return { writer, resume, lines: () => text.split('\n').slice(0, -1) };
}

const LINE = `${'x'.repeat(999)}\n`;
/** More than the kernel's buffers and the output's own bound take together. */
const LINES = 20_000;

describe('log lines whose reader pauses', () => {
  it('are dropped beyond a bound, counted, and reported once it reads again', async () => {
    const { writer, resume, lines } = await pausedReader();
    const output = new LogOutput({ open: () => writer, onRecovery: (count) => output.write(`dropped ${count}\n`) });
    for (let i = 0; i < LINES; i++) output.write(LINE);
    const dropped = output.droppedLines;
    expect(dropped).toBeGreaterThan(LINES / 2);
    resume();
    await vi.waitFor(() => expect(lines().at(-1)).toBe(`dropped ${dropped}`), 10_000);
    expect(lines().length).toBe(LINES - dropped + 1);
  });

  it('do not hold up the end', async () => {
    const { writer } = await pausedReader();
    const output = new LogOutput({ open: () => writer, onRecovery: () => {} });
    // Until the kernel's buffers are full as well.
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < LINES; i++) output.write(LINE);
      await setImmediate();
    }
    await output.close();
    expect(writer.writableLength).toBeGreaterThan(0);
  });
});

describe('a log whose disk is full', () => {
  it('goes on when there is room again, and says what is missing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'qedge-log-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const places = ['/dev/full', join(folder, 'log')];
    const output = new LogOutput({
      open: () => createWriteStream('', { fd: openSync(places.shift() ?? '', 'a') }),
      onRecovery: (count) => output.write(`dropped ${count}\n`),
    });
    await vi.waitFor(() => {
      output.write('line\n');
      expect(readFileSync(join(folder, 'log'), 'utf8')).toMatch(/^dropped [1-9]\d*$/m);
    }, 10_000);
  });
});

describe('a log whose stream fails', () => {
  it('counts the lines that waited in it', async () => {
    const refused = new Error('write ENOSPC');
    const stream = new Writable({ write: (_chunk, _encoding, done) => void setImmediate().then(() => done(refused)) });
    const output = new LogOutput({ open: () => stream, onRecovery: () => {} });
    for (const lines of ['one\n', 'two\nthree\n', 'four\n']) output.write(lines);
    expect(output.droppedLines).toBe(0);
    await vi.waitFor(() => expect(output.droppedLines).toBe(4));
  });
});

describe('a log whose reader is gone', () => {
  it('is tried again, and leaves nothing behind each time', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(), autoDestroy: false });
    const output = new LogOutput({ open: () => stream, onRecovery: () => {} });
    for (let i = 0; i < 20; i++) {
      output.write('line\n');
      stream.emit('error', new Error('write EPIPE'));
      vi.advanceTimersByTime(1000);
    }
    expect(stream.listenerCount('drain')).toBe(1);
    expect(stream.listenerCount('error')).toBe(1);
  });
});
