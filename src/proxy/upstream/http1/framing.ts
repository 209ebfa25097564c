// How long the body of an answer is, and whether its connection may carry another request, as the fields of its head say (RFC 9112
// sections 6.3 and 9.3).

import { readDigits } from '../../fields/field-lines.ts';
import { FieldKind, RESPONSE_FIELDS } from '../../fields/fields.ts';

/** An answer that is not HTTP, or not one that all parsers would read the same way. */
export class MalformedResponseError extends Error {
  readonly code = 'ERR_MALFORMED_RESPONSE';
}

/** What the fields of a head say. */
export interface Framing {
  readonly length: number | null;
  readonly chunked: boolean;
  readonly close: boolean;
  readonly keepAlive: boolean;
  /** NaN: not said. */
  readonly keepAliveSeconds: number;
}

/** RFC 9112 section 6.3. Throws `MalformedResponseError`. */
export function readFraming(fields: readonly string[]): Framing {
  let length: number | null = null;
  let chunked = false;
  let close = false;
  let keepAlive = false;
  let keepAliveSeconds = Number.NaN;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const value = fields[i + 1] ?? '';
    switch (RESPONSE_FIELDS.kindOf(fields[i] ?? '')) {
      case FieldKind.contentLength:
        if (length !== null || Number.isNaN(readDigits(value))) {
          throw new MalformedResponseError(`invalid Content-Length ${JSON.stringify(value)}`);
        }
        length = readDigits(value);
        break;
      case FieldKind.transferEncoding:
        chunked = /(?:^|,)[\t ]*chunked$/i.test(value);
        break;
      case FieldKind.connection:
        // Nearly all say this.
        if (value === 'keep-alive') keepAlive = true;
        else {
          close ||= CLOSE.test(value);
          keepAlive ||= KEEP_ALIVE.test(value);
        }
        break;
      case FieldKind.keepAlive:
        keepAliveSeconds = Number(/(?:^|[,;\s])timeout=(\d{1,9})/i.exec(value)?.[1] ?? Number.NaN);
        break;
      default:
        break;
    }
  }
  if (chunked && length !== null) throw new MalformedResponseError('a Content-Length beside Transfer-Encoding');
  return { length, chunked, close, keepAlive, keepAliveSeconds };
}

/**
 * Chunks were unknown to HTTP/1.0, so an instance that sends them there does not know what it does (RFC 9112 section 6.1). A 204 has no
 * body, but one that announces a body may send it all the same, to be taken for the next answer.
 */
export function persists(isHttp11: boolean, status: number, { close, keepAlive, chunked, length }: Framing): boolean {
  if (close || (status === 204 && (chunked || (length ?? 0) > 0))) return false;
  return isHttp11 || (keepAlive && !chunked);
}

const CLOSE = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;
const KEEP_ALIVE = /(?:^|,)[\t ]*keep-alive[\t ]*(?:,|$)/i;
