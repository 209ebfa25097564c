// Structured logs: pino JSON to stdout, fixed messages with fields.

import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  readonly level: LogLevel;
  /** This node's name, on every line. */
  readonly nodeId: string;
  /** Where lines go; standard output when absent. */
  readonly destination?: DestinationStream;
}

export function createLogger(options: LogOptions): Logger {
  return pino(
    {
      level: options.level,
      base: { node: options.nodeId },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    options.destination ?? pino.destination({ fd: 1, sync: true }),
  );
}

/** Lets a message through at most once per `intervalMs` and key; what it held back is told with the next one. */
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
