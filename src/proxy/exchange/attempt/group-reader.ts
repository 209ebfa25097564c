// Reads the group of requests that an answer belongs to, where its service has groups. The group is a number, such as the count of
// detected objects, in a field of the head or in the JSON body. The body is looked at once it is whole; the client does not wait for that.

import type { ServiceConfig } from '../../../config/config.ts';
import { GROUPS_MAX } from '../../../core/domain.ts';
import { fieldValue, type RawFields } from '../../fields/fields.ts';
import type { ResponseHead } from '../../fields/response-head.ts';
import { valueAt } from './json-pointer.ts';

export type GroupSource = NonNullable<ServiceConfig['group']>;

/** No group is read from a longer body. */
const BODY_BYTES_MAX = 65_536;

/** Reads one answer. */
export class GroupReader {
  readonly #source: GroupSource;
  #fromHead: unknown;
  /** Null: the body is not read. */
  #chunks: Buffer[] | null = null;
  #bytes = 0;

  constructor(source: GroupSource) {
    this.#source = source;
  }

  takeHead(head: ResponseHead, raw: RawFields): void {
    const { header, json } = this.#source;
    if (header !== null) this.#fromHead = fieldValue(raw, header.toLowerCase());
    else if (json !== null && isPlainJson(head)) this.#chunks = [];
  }

  takeBody(chunk: Buffer): void {
    if (this.#chunks === null) return;
    this.#bytes += chunk.length;
    // A copy: what is passed on may be a slice of a buffer that is used again.
    if (this.#bytes <= BODY_BYTES_MAX) this.#chunks.push(Buffer.from(chunk));
    else this.#chunks = null;
  }

  /** The group of the whole answer; null: it names none. */
  get group(): number | null {
    const { json } = this.#source;
    if (this.#chunks === null || json === null) return groupOf(this.#fromHead);
    const [first] = this.#chunks;
    return groupOf(valueAt(this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks), json));
  }
}

function isPlainJson({ contentType, contentEncoding }: ResponseHead): boolean {
  return contentEncoding === '' && /^application\/(?:[\w.-]+\+)?json\b/i.test(contentType);
}

/** Groups beyond the last count as the last. */
function groupOf(value: unknown): number | null {
  const group = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  return typeof group === 'number' && Number.isInteger(group) && group >= 0 ? Math.min(group, GROUPS_MAX - 1) : null;
}
