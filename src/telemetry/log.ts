// Structured logs: fixed messages with fields, one line each, to standard output.

import { type DestinationStream, type Logger, pino } from 'pino';
import { type LogFormat, rendererOf, standardOutput } from './log/format.ts';
import { LogOutput } from './log/output.ts';
import type { Metrics } from './metrics.ts';

export type { Logger } from 'pino';

/** From the most to the least talkative. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

/** Lines below it are not made. */
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  readonly level: LogLevel;
  /** This node's name, on every line. */
  readonly nodeId: string;
  /** Takes lines of JSON. */
  readonly destination: DestinationStream;
}

/** The log of this process: never blocks, counts what it drops. */
export function createLogger(options: LogOptions): Logger {
  return pino(
    {
      level: options.level,
      base: { node: options.nodeId },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    options.destination,
  );
}

/** The log of a process as a whole. */
export interface ProcessLog {
  readonly logger: Logger;
  /** Takes lines of JSON from loggers of other threads. */
  write(json: string): void;
  /** Lines that no reader took in time, since the start. */
  readonly droppedLines: number;
  /** Waits a second at most for a reader that pauses. */
  close(): Promise<void>;
}

/** A log on standard output, which never holds up this process. */
export function createProcessLog(
  options: Omit<LogOptions, 'destination'> & { readonly format: LogFormat },
): ProcessLog {
  const render = rendererOf(options.format, standardOutput());
  const output = new LogOutput({
    onRecovery: (lines) => logger.warn({ lines }, 'log lines were dropped: standard output was not read'),
  });
  const write = (json: string): void => output.write(render(json));
  const logger = createLogger({ ...options, destination: { write } });
  return {
    logger,
    write,
    get droppedLines() {
      return output.droppedLines;
    },
    close: () => output.close(),
  };
}

/** Registers the metric of lines that were dropped, and keeps it up to date. */
export function countDroppedLines(log: ProcessLog, metrics: Metrics): void {
  const dropped = metrics
    .counter({ name: 'qedge_log_dropped_lines_total', help: 'Log lines that standard output did not take in time.' })
    .with();
  metrics.onScrape(() => dropped.increment(log.droppedLines - dropped.value));
}

/** Lets a message through at most once per `intervalMs` and key; the next one reports how many were held back. */
export class RateLimitedLog {
  static readonly keysMax = 1024;
  readonly #intervalMs: number;
  readonly #entries = new Map<string, { lastMs: number; suppressed: number }>();

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** The number held back since the last one let through, or null when this one is to be held back as well. */
  admit(key: string, nowMs: number): number | null {
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      const oldest = this.#entries.keys().next();
      if (this.#entries.size >= RateLimitedLog.keysMax && !oldest.done) this.#entries.delete(oldest.value);
      this.#entries.set(key, { lastMs: nowMs, suppressed: 0 });
      return 0;
    }
    if (nowMs - entry.lastMs < this.#intervalMs) {
      entry.suppressed++;
      return null;
    }
    const suppressed = entry.suppressed;
    entry.lastMs = nowMs;
    entry.suppressed = 0;
    return suppressed;
  }
}
