// Where log lines go: standard output, which never holds up this process. A reader that pauses (a terminal on hold, a
// journal on a slow card, `| less`) leaves lines waiting here up to a bound; beyond it they are dropped, and counted.

import { createWriteStream, fstatSync } from 'node:fs';
import type { Writable } from 'node:stream';

/** Characters that wait for the reader at most: some seconds of access log at a thousand requests a second. */
const WAITING_MAX = 1024 * 1024;

/** Standard output failed (a full disk, a reader that is gone): the next attempt is this much later. */
const REOPEN_MS = 1000;

/** At the end: what still waits for a reader gets this long. */
const CLOSE_MS_MAX = 1000;

export interface LogOutputOptions {
  /** Opens the stream; standard output when absent. Called again after a failure. */
  readonly open?: () => Writable;
  /** Lines can be written again after this many were dropped. */
  readonly onRecovery: (droppedLines: number) => void;
}

/** Writes lines without blocking; drops and counts what finds no room within a bound of characters. */
export class LogOutput {
  readonly #open: () => Writable;
  readonly #onRecovery: (droppedLines: number) => void;
  /** Those that are listened to: standard output is one and the same each time. */
  readonly #heard = new WeakSet<Writable>();
  #stream: Writable | null = null;
  #reopenAtMs = 0;
  /** Since the last recovery. */
  #dropped = 0;
  #droppedTotal = 0;

  constructor({ open = standardOutputOpener(), onRecovery }: LogOutputOptions) {
    this.#open = open;
    this.#onRecovery = onRecovery;
  }

  /** Lines dropped since the start. */
  get droppedLines(): number {
    return this.#droppedTotal;
  }

  /** Takes whole lines, with their ends. Never blocks and never throws. */
  write(lines: string): void {
    const stream = this.#stream ?? this.#reopen();
    if (stream === null || stream.writableLength > WAITING_MAX) this.#drop(lines);
    // What waits in a stream that fails is lost with it.
    else stream.write(lines, (error) => error && this.#drop(lines));
  }

  /** Resolves when everything is written, or the reader takes too long. Lines after it are still attempted. */
  async close(): Promise<void> {
    const stream = this.#stream;
    if (stream === null || stream.writableLength === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, CLOSE_MS_MAX);
      stream.once('error', resolve);
      stream.write('', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #drop(lines: string): void {
    const count = lines.split('\n').length - 1;
    this.#dropped += count;
    this.#droppedTotal += count;
  }

  #reopen(): Writable | null {
    const nowMs = performance.now();
    if (nowMs < this.#reopenAtMs) return null;
    this.#reopenAtMs = nowMs + REOPEN_MS;
    const stream = this.#open();
    this.#stream = stream;
    if (!this.#heard.has(stream)) this.#hear(stream);
    // Lines that were dropped while there was no stream: this one takes the next.
    if (this.#dropped > 0) queueMicrotask(() => this.#recover());
    return stream;
  }

  #hear(stream: Writable): void {
    this.#heard.add(stream);
    stream.on('drain', () => this.#recover());
    stream.on('error', () => {
      if (this.#stream === stream) this.#stream = null;
    });
  }

  #recover(): void {
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.#onRecovery(dropped);
  }
}

/**
 * Node's own stream writes to pipes and sockets without blocking; files and terminals it would write to in place, so their
 * writes go to libuv's threads, one at a time.
 */
function standardOutputOpener(): () => Writable {
  const fd = 1;
  let isTaken = false;
  return () => {
    const kind = fstatSync(fd);
    if (!kind.isFIFO() && !kind.isSocket()) return createWriteStream('', { fd, autoClose: false });
    // The program's listener ends the process when its reader is gone; a service goes on without its log.
    if (!isTaken) process.stdout.removeAllListeners('error');
    isTaken = true;
    return process.stdout;
  };
}
