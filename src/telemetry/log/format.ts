// How a log line looks: JSON for programs, text for a person at a terminal, and a priority in front of it for the journal.

import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import { type Paint, paintFor, plainPaint, type Tone } from '../../terminal/paint.ts';

/** `auto`: text on a terminal, JSON elsewhere. */
export type LogFormat = 'auto' | 'json' | 'text';

/** From one line of JSON, with its end, to what is written. */
export type RenderLine = (json: string) => string;

/** Where lines end up. */
export interface LogPlace {
  readonly isTerminal: boolean;
  readonly isJournal: boolean;
  readonly paint: Paint;
}

/** How a line is written: JSON, or text for people with priorities for the journal. */
export function rendererOf(format: LogFormat, place: LogPlace): RenderLine {
  const asText = format === 'text' || (format === 'auto' && place.isTerminal);
  const render: RenderLine = asText ? (json) => textOf(json, place.paint) : (json) => json;
  return place.isJournal ? (json) => withPriority(priorityOf(json), render(json)) : render;
}

/** What standard output is. */
export function standardOutput(env: NodeJS.ProcessEnv = process.env): LogPlace {
  const isTerminal = isatty(1);
  const paint = isTerminal ? paintFor(process.stdout) : plainPaint;
  return { isTerminal, isJournal: isJournal(env.JOURNAL_STREAM), paint };
}

/** systemd.exec(5): device and inode of the journal's socket. The variable is inherited where the output is not. */
function isJournal(journalStream: string | undefined): boolean {
  if (journalStream === undefined) return false;
  const { dev, ino } = fstatSync(1, { bigint: true });
  return journalStream === `${dev}:${ino}`;
}

/** Levels as syslog(3) counts them. */
const PRIORITIES: ReadonlyMap<string, number> = new Map([
  ['fatal', 2],
  ['error', 3],
  ['warn', 4],
  ['info', 6],
  ['debug', 7],
  ['trace', 7],
]);

/** The level is the first field of each line. */
function priorityOf(json: string): number {
  const start = '{"level":"'.length;
  return PRIORITIES.get(json.slice(start, json.indexOf('"', start))) ?? 6;
}

/** sd-daemon(3): a prefix for each line of its own. */
const withPriority = (priority: number, text: string): string => text.replaceAll(/^(?=.)/gm, `<${priority}>`);

const TONES: ReadonlyMap<string, Tone> = new Map([
  ['fatal', 'bad'],
  ['error', 'bad'],
  ['warn', 'notice'],
  ['info', 'good'],
]);

interface LogRecord {
  readonly level: string;
  readonly time: string;
  readonly msg?: string;
  readonly [field: string]: unknown;
}

/** `12:00:01.250 WARN  message key=value`, a stack below it. The node's name is left out: a terminal shows one node. */
function textOf(json: string, paint: Paint): string {
  const { level, time, msg = '', node: _, err, ...fields } = JSON.parse(json) as LogRecord;
  const clock = time.slice('2026-01-01T'.length, -1);
  const words = Object.entries(fields).map(([key, value]) => paint('dim', `${key}=`) + wordOf(value));
  const head = [paint('dim', clock), paint(TONES.get(level) ?? 'dim', level.toUpperCase().padEnd(5)), msg, ...words];
  return `${head.join(' ')}\n${err === undefined ? '' : stackOf(err)}`;
}

function wordOf(value: unknown): string {
  return typeof value === 'string' && /^[\w./:@+-]+$/.test(value) ? value : escaped(value);
}

/** A stack, each line indented. */
function stackOf(err: unknown): string {
  const { stack, message } = err as { readonly stack?: string; readonly message?: string };
  const lines = (stack ?? message ?? JSON.stringify(err)).split('\n');
  return lines.map((line) => `    ${escaped(line.trim()).slice(1, -1)}\n`).join('');
}

/** What others wrote does not steer the terminal: JSON escapes C0, and C1 is escaped here. */
const escaped = (value: unknown): string =>
  JSON.stringify(value).replaceAll(/[\x7f-\x9f]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
