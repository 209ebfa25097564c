// The heads of requests that are beyond doubt: HTTP/1.1, a usual method, a path, fields that every reader understands the same
// way, and a body of known length or none. They are read here, in one look. What is not such a head, wrong or merely
// unusual, is left to node:http and llhttp in its strict mode, which knows all of HTTP and what to refuse of it.

import { FIELD_LINE, readDigits, readFieldLines } from '../../fields/field-lines.ts';
import { FieldKind, FieldTable } from '../../fields/fields.ts';

export interface FastRequestHead {
  readonly method: string;
  readonly target: string;
  /** Name, value, name, value, … */
  readonly rawHeaders: readonly string[];
  /** Bytes; 0 for none. */
  readonly contentLength: number;
  /** False: the client wants the connection to end with the answer. */
  readonly keepAlive: boolean;
  /** Length of the head itself, the empty line included. */
  readonly bytes: number;
}

const HEAD = new RegExp(
  `^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /[\\x21-\\x7e]* HTTP/1\\.1\\r\\n(?:${FIELD_LINE})+\\r\\n$`,
);
/** Up to here all of it is made a text: to look for the end first costs another call. */
const SHORT_BYTES = 1024;
/** Behind the target, with the line's end. */
const VERSION_CHARS = ' HTTP/1.1\r\n'.length;

const DECIDING = new FieldTable({
  connection: FieldKind.connection,
  'content-length': FieldKind.contentLength,
  'transfer-encoding': FieldKind.hopByHop,
  expect: FieldKind.hopByHop,
  upgrade: FieldKind.hopByHop,
  trailer: FieldKind.hopByHop,
});

/** Null: not plain, or not whole. `bytesMax`: what a head may have. */
export function readFastRequestHead(bytes: Buffer, bytesMax: number): FastRequestHead | null {
  const whole = bytes.length <= SHORT_BYTES ? bytes.toString('latin1') : null;
  const length = (whole ?? bytes).indexOf('\r\n\r\n') + 4;
  if (length < 4 || length > bytesMax) return null;
  const text = whole === null ? bytes.toString('latin1', 0, length) : whole.slice(0, length);
  if (!HEAD.test(text)) return null;
  const lineEnd = text.indexOf('\r\n');
  const methodEnd = text.indexOf(' ');
  const rawHeaders = readFieldLines(text, lineEnd + 2);
  let contentLength = -1;
  let keepAlive = true;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const kind = DECIDING.kindOf(rawHeaders[i] ?? '');
    if (kind === FieldKind.ordinary) continue;
    const value = rawHeaders[i + 1] ?? '';
    if (kind === FieldKind.contentLength && contentLength < 0 && !Number.isNaN(readDigits(value))) {
      contentLength = readDigits(value);
    } else if (kind === FieldKind.connection && CONNECTION.test(value)) {
      keepAlive &&= value.length !== CLOSE_CHARS;
    } else {
      return null;
    }
  }
  return {
    method: text.slice(0, methodEnd),
    target: text.slice(methodEnd + 1, lineEnd + 2 - VERSION_CHARS),
    rawHeaders,
    contentLength: Math.max(0, contentLength),
    keepAlive,
    bytes: length,
  };
}

const CONNECTION = /^(?:keep-alive|close)$/i;
const CLOSE_CHARS = 'close'.length;
