// Whether a text is JSON to the clients that there are: some take more than RFC 8259 allows.

const BYTE_ORDER_MARK = '\ufeff';
/** Programs in C send the zero that ends a string along. */
const ZEROES = /\0+$/;
const ZERO_TEXT = '\0';
/** What Python writes for numbers that JSON has no word for, and reads. */
const NO_NUMBERS = /\bNaN\b|-?\bInfinity\b/g;
/** UTF-16 and UTF-32 are not read here. */
const ZERO = 0;
const WIDE_MARKS: ReadonlySet<number | undefined> = new Set([0xfe, 0xff]);

/** The first bytes of objects, arrays, strings, numbers, `true`, `false` and `null`, and of byte order marks. */
export const JSON_BEGINNINGS: ReadonlySet<number> = new Set(Buffer.from('{["-0123456789tfn\xef\xfe\xff', 'latin1'));

/** No white space, and none of the zeroes that programs in C send along. */
export function isText(byte: number | undefined): boolean {
  return byte !== undefined && byte > 0x20;
}

/** The first byte that is text; 0: there is none. */
export function firstText(chunk: Buffer): number {
  let at = 0;
  while (at < chunk.length && !isText(chunk[at])) at++;
  return chunk[at] ?? 0;
}

/** True as well for what is empty or in an encoding that is not read here. */
export const isJsonText = (bytes: Buffer): boolean => readJson(bytes) !== null;

/** What a text says; `value` undefined: it is empty, or in an encoding that is not read here. Null: it is no JSON. */
export function readJson(bytes: Buffer): { readonly value: unknown } | null {
  if (WIDE_MARKS.has(bytes[0]) || bytes[0] === ZERO || bytes[1] === ZERO) return UNREAD;
  let text = bytes.toString();
  if (text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1);
  if (text.endsWith(ZERO_TEXT)) text = text.replace(ZEROES, '');
  text = text.trim();
  return text === '' ? UNREAD : (parsed(text) ?? parsed(text.replace(NO_NUMBERS, '0')));
}

const UNREAD = { value: undefined };

function parsed(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return error instanceof SyntaxError ? null : UNREAD;
  }
}
