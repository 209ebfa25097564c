// Whether a JSON text holds nothing but the description of an error, as many services answer with 200: a call of JSON-RPC that failed (JSON-RPC
// 2.0, section 5.1), a query of GraphQL that gave no data (its specification of October 2021, section 7.1), what a framework writes when a
// handler throws. One that holds something beside it is an answer in part.

/** What describes an error, in small letters without separators. A member of any other name is something that was asked for. */
const DESCRIPTIVE: ReadonlySet<string> = new Set([
  'code',
  'detail',
  'details',
  'error',
  'errorcode',
  'errordescription',
  'errormessage',
  'errors',
  'exception',
  'id',
  'jsonrpc',
  'message',
  'msg',
  'ok',
  'path',
  'reason',
  'requestid',
  'stacktrace',
  'status',
  'statuscode',
  'success',
  'timestamp',
  'title',
  'trace',
  'traceid',
  'type',
]);
/** Those of them whose words say what went wrong. */
const WORDED: ReadonlySet<string> = new Set([
  'detail',
  'details',
  'error',
  'errordescription',
  'errormessage',
  'errors',
  'exception',
  'message',
  'msg',
  'reason',
  'stacktrace',
  'title',
]);
const SEPARATORS = /[-_]/g;
/** More members than this describe no error alone. */
const MEMBERS_MAX = 12;
const RECORD = /"@?(?:timestamp|time|ts|level|severity)"\s*:/i;
/** A measure, or that there is no error. */
const NO_ERROR =
  /^(?:[-+\d.,e%\s]*|n(?:o|one|ull|il|an|\/a)|no[ _]?errors?|false|ok(?:ay)?|success(?:ful)?|undefined)$/i;

/** `value`: as `JSON.parse` makes it. Of an array: each of its elements does, as in a batch of calls. */
export function tellsError(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.length <= MEMBERS_MAX && value.every(isError);
  return isError(value);
}

/** Whether a text in a stream has a time or a level, as one of a log: what failed there is what was asked for. */
export const isRecord = (text: string): boolean => RECORD.test(text);

function isError(value: unknown): boolean {
  if (!isObject(value)) return false;
  let members = 0;
  let says = false;
  let flagged = false;
  let measured = false;
  let unwell = false;
  let worded = false;
  for (const [name, member] of Object.entries(value)) {
    // `"data": null`
    if (member === null) continue;
    const plain = plainOf(name);
    if (++members > MEMBERS_MAX || !DESCRIPTIVE.has(plain) || saysWell(plain, member)) return false;
    if (plain === 'error' || plain === 'errors') {
      says ||= describes(member);
      flagged ||= member === true;
      measured ||= isObject(member) && Object.keys(member).length > 0;
    } else {
      flagged ||= plain === 'status' && member === 'error';
      unwell ||= member === false && (plain === 'ok' || plain === 'success');
      worded ||= WORDED.has(plain) && isWords(member);
    }
  }
  // A flag alone may be the state of what was asked about, and a table the measure of it.
  return says || (flagged && (unwell || worded)) || (measured && unwell);
}

/** All went well: what is called an error beside it is a warning. */
function saysWell(name: string, member: unknown): boolean {
  if (name === 'status') return member === 'ok' || member === 'success';
  return member === true && (name === 'ok' || name === 'success');
}

/** A number may be a measure of how wrong something is, and so may a list or a table of them. */
function describes(member: unknown): boolean {
  return Array.isArray(member) ? member.some(describesOne) : describesOne(member);
}

/** Looks no deeper: a text may be nested thousands of times. */
function describesOne(member: unknown): boolean {
  if (!isObject(member)) return isWords(member);
  return Object.entries(member).some(([name, part]) =>
    Array.isArray(part) ? part.some(isWords) : WORDED.has(plainOf(name)) && isWords(part),
  );
}

const plainOf = (name: string): string => name.toLowerCase().replace(SEPARATORS, '');

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isWords = (member: unknown): boolean => typeof member === 'string' && !NO_ERROR.test(member);
