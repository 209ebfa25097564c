// The events of a stream (WHATWG HTML, "Server-sent events"): lines of fields, and a blank line behind each event. Comments keep a connection
// alive and say nothing: a stream has begun with its first field. An event without data, and one that was not ended by a blank line, never
// reaches the client's program; one that only says that the stream is over tells it nothing. Behind the first event little is read: where
// the last one ends.

import { isRecord, tellsError } from './error-text.ts';
import { readJson } from './json-text.ts';
import { LastBytes } from './last-bytes.ts';

const LF = 10;
const CR = 13;
const COLON = 0x3a;
const DATA = Buffer.from('data');
/** The data of the last event, with which servers of language models say that a stream is over. */
const OVER = '[DONE]';
const SPACE = 0x20;
const SAYS_OVER = /(?:^|[\r\n])data: ?\[DONE\](?:[\r\n]|$)/;
/** Others say why it is, as those that say so do before: in the last event, or before an account of what it took. */
const SAYS_WHY =
  /"(?:finish_?reason|(?:stop|done)_?reason|stop_type)" ?: ?"|"(?:stop|done|is_?final|finished)" ?: ?true|\b(?:message_(?:stop|end)|response\.completed)\b|^event: ?(?:done|end|completed?|close|finish(?:ed)?)\r?$/im;
const BLANK_LINES = /\n\n+/;
const IS_NAMED_ERROR = /^event: ?error$/m;
const DATA_LINES = /^data:.*$/gm;
const TAIL_BYTES = 1024;
const OTHER_NAME = -1;
/** A byte order mark, which may stand before the first line. */
const MARK: readonly number[] = [0xef, 0xbb, 0xbf];
/** An end of a line and the first byte of a blank line behind it. */
const EVENT_ENDS: readonly string[] = ['\n\n', '\n\r', '\r\r'];
/** A blank line may lie across two pieces: in so many of the first bytes of the second. */
const ACROSS_BYTES = 2;

/** Reads a stream of events as it comes. */
export class EventStream {
  /** An event is a stream's affair: it may stop after any. */
  readonly truncated = false;
  /** A field came. */
  begun = false;
  /** An event with data is whole, which says more than that the stream is over. */
  #hasEvent = false;
  /** How many bytes of the data of the event that is read match the beginning of `OVER`. */
  #matched = 0;
  #inValue = false;
  readonly #tail = new LastBytes(TAIL_BYTES);
  /** Data came since the last blank line. */
  #inEvent = false;
  /** How many bytes of the line match the beginning of the name `data`. */
  #named = 0;
  #bytes = 0;
  #atLineStart = true;
  #afterCr = false;
  #isComment = false;

  take(chunk: Buffer): void {
    this.#tail.take(chunk);
    const mayJump = this.#hasEvent;
    const from = mayJump ? lastEventEnd(chunk) : 0;
    if (from > 0) this.#jumpBehind(chunk[from - 1] ?? LF);
    if (from > 0) this.#inEvent = false;
    for (let at = from; at < chunk.length; at++) {
      this.#takeByte(chunk[at] ?? LF);
      // No event ends in the middle of what is left: only how it ends matters.
      if (!mayJump || !this.#inEvent || at - from < ACROSS_BYTES || at >= chunk.length - 2) continue;
      at = chunk.length - 2;
      this.#jumpBehind(chunk[at] ?? LF);
    }
  }

  /** One of the last events says that the stream is over. */
  get isOver(): boolean {
    return SAYS_OVER.test(this.#tail.text);
  }

  /** One of the last events says why it is. */
  get saysWhy(): boolean {
    return SAYS_WHY.test(this.#tail.text);
  }

  get isHollow(): boolean {
    return this.#bytes > 0 && !this.#hasEvent;
  }

  /** The last of several events was not ended, or says that it failed; that the stream is over, its client need not be told. */
  get isUnfinished(): boolean {
    return this.#hasEvent && ((this.#inEvent && !this.isOver) || tellsOfError(lastEvents(this.#tail.text)[0]));
  }

  /** The last event is named `error`. */
  get isFailed(): boolean {
    return this.#hasEvent && isNamedError(lastEvents(this.#tail.text)[0]);
  }

  /** An event is named so, and others follow: no stream fails by it. */
  get outlivesErrors(): boolean {
    return lastEvents(this.#tail.text).some((event, i) => i > 0 && isNamedError(event));
  }

  #jumpBehind(byte: number): void {
    this.#atLineStart = byte === LF || byte === CR;
    this.#afterCr = byte === CR;
    this.#isComment = false;
    this.#named = this.#atLineStart ? 0 : OTHER_NAME;
  }

  #takeByte(byte: number): void {
    if (MARK[this.#bytes++] === byte) return;
    const endsCrLf = byte === LF && this.#afterCr;
    this.#afterCr = byte === CR;
    if (endsCrLf) return;
    if (byte === LF || byte === CR) {
      this.#inEvent ||= this.#named === DATA.length;
      if (this.#atLineStart && this.#inEvent) {
        this.#hasEvent ||= this.#matched !== OVER.length;
        this.#inEvent = false;
        this.#matched = 0;
      }
      this.#inValue = false;
      this.#atLineStart = true;
      this.#isComment = false;
      this.#named = 0;
      return;
    }
    if (this.#atLineStart) this.#isComment = byte === COLON;
    this.#atLineStart = false;
    if (this.#isComment) return;
    this.begun = true;
    if (this.#inValue) this.#match(byte);
    if (this.#named === DATA.length && byte === COLON) {
      // A line of data behind another one.
      if (this.#inEvent) this.#matched = OTHER_NAME;
      this.#inEvent = true;
      this.#inValue = true;
    }
    this.#named = this.#named >= 0 && byte === DATA[this.#named] ? this.#named + 1 : OTHER_NAME;
  }

  #match(byte: number): void {
    if (byte === SPACE && this.#matched === 0) return;
    const isNext = this.#matched >= 0 && byte === OVER.charCodeAt(this.#matched);
    this.#matched = isNext ? this.#matched + 1 : OTHER_NAME;
  }
}

/** The last comes first; without those that only say that the stream is over. */
function lastEvents(tail: string): readonly string[] {
  const events = tail.replaceAll('\r\n', '\n').replaceAll('\r', '\n').trimEnd().split(BLANK_LINES);
  return events.filter((event) => !SAYS_OVER.test(event)).reverse();
}

/** Its data. */
function dataOf(event: string): string {
  return (event.match(DATA_LINES)?.map((line) => line.slice(DATA.length + 1)) ?? []).join('\n');
}

const isNamedError = (event = ''): boolean => IS_NAMED_ERROR.test(event) && !isRecord(dataOf(event));

/** It holds the description of an error alone. */
function tellsOfError(event = ''): boolean {
  const data = dataOf(event);
  return data !== '' && !isRecord(data) && tellsError(readJson(Buffer.from(data, 'latin1'))?.value);
}

/** A stream that may say at its end that it is over, or why. */
export interface MarkedStream {
  readonly isOver: boolean;
  readonly saysWhy: boolean;
  readonly isFailed?: boolean;
  readonly outlivesErrors?: boolean;
}

/**
 * Whether the streams of a service say that they are over; then one that says neither that nor why was left in its middle. And whether they go
 * on behind an event `error`, as those of a log do; else one that ends with it failed. One a service and data plane.
 */
export class StreamEnds {
  /** The kinds of streams that do. */
  readonly #marked = new Set<unknown>();
  #outliveErrors = false;

  /** Once for each stream that came to its end. */
  lacksEnd(stream: MarkedStream): boolean {
    const { isOver } = stream;
    if (isOver) this.#marked.add(stream.constructor);
    this.#outliveErrors ||= stream.outlivesErrors === true;
    if (stream.isFailed === true && !this.#outliveErrors) return true;
    return !isOver && this.#marked.has(stream.constructor) && !stream.saysWhy;
  }
}

/** Where what follows the last whole event of a piece begins; 0: none ends in it. */
function lastEventEnd(chunk: Buffer): number {
  return Math.max(...EVENT_ENDS.map((end) => afterLast(chunk, end)));
}

function afterLast(chunk: Buffer, end: string): number {
  const at = chunk.lastIndexOf(end, undefined, 'latin1');
  return at < 0 ? 0 : at + end.length;
}
