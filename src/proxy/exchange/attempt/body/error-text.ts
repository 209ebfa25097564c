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
const SEPARATORS = /[-_]/g;
/** More members than this describe no error alone. */
const MEMBERS_MAX = 12;

/** `value`: as `JSON.parse` makes it. Of an array: each of its elements does, as in a batch of calls. */
export function tellsError(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.length <= MEMBERS_MAX && value.every(isError);
  return isError(value);
}

function isError(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  let members = 0;
  let says = false;
  for (const [name, member] of Object.entries(value)) {
    // `"data": null`
    if (member === null) continue;
    const plain = name.toLowerCase().replace(SEPARATORS, '');
    if (++members > MEMBERS_MAX || !DESCRIPTIVE.has(plain)) return false;
    says ||= saysSo(plain, member);
  }
  return says;
}

/** A number may be a measure of how wrong something is. */
function saysSo(name: string, member: unknown): boolean {
  if (name === 'status') return member === 'error';
  if (name !== 'error' && name !== 'errors') return false;
  return typeof member === 'object' ? Object.keys(member ?? {}).length > 0 : member === true || isWords(member);
}

const isWords = (member: unknown): boolean => typeof member === 'string' && member !== '';
