// Bytes → text, strictly. Not a TextDecoder: the first one of a process loads Node's own HTTP client along with it, a
// tenth of a start.

import { isUtf8 } from 'node:buffer';

/** The text without a byte order mark. @throws TypeError, with the code of a TextDecoder, where the bytes are not UTF-8 */
export function decodeUtf8(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw Object.assign(new TypeError('not UTF-8'), { code: 'ERR_ENCODING_INVALID_ENCODED_DATA' });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('utf8')
    .replace(/^\ufeff/, '');
}
