// Field lines of HTTP/1.1 (RFC 9112 section 5) as text in which each byte is one character. First a head is held against a
// pattern made of these, then it is taken apart: what has passed needs no second look.

/** Sources of patterns, for a head to be put together from them. */
export const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** No control characters but the tab, no bare carriage return or line feed. */
export const VALUE = '[\\t\\x20-\\x7e\\x80-\\xff]*';
/** A field line with its end, as the source of a regular expression (RFC 9112 section 5). */
export const FIELD_LINE = `${TOKEN}:${VALUE}\\r\\n`;

const CR = 13;
const TAB = 9;
const SPACE = 32;

/** Name, value, name, value, … of the lines from `from` on, up to the empty one that ends them; all must be well-formed. */
export function readFieldLines(text: string, from: number): string[] {
  const fields: string[] = [];
  for (let at = from; text.charCodeAt(at) !== CR; ) {
    const colon = text.indexOf(':', at);
    const lineEnd = text.indexOf('\r', colon);
    fields.push(text.slice(at, colon), withoutSpace(text, colon + 1, lineEnd));
    at = lineEnd + 2;
  }
  return fields;
}

function withoutSpace(text: string, from: number, to: number): string {
  let first = from;
  let behind = to;
  while (first < behind && isSpace(text.charCodeAt(first))) first++;
  while (behind > first && isSpace(text.charCodeAt(behind - 1))) behind--;
  return text.slice(first, behind);
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB;
}

const ZERO = 48;
/** Far below 2^53. */
const DIGITS_MAX = 15;

/** Up to 15 digits, as of a Content-Length (RFC 9110 section 8.6); NaN for any other text. */
export function readDigits(value: string): number {
  if (value.length === 0 || value.length > DIGITS_MAX) return Number.NaN;
  let length = 0;
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    length = length * 10 + digit;
  }
  return length;
}

/** Bytes that a head, or the trailers, may have. */
export const RESPONSE_HEAD_BYTES_MAX = 64 * 1024;
