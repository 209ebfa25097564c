// Whether an instance answered the handshake of a WebSocket. A client ends the connection where it did not (RFC 6455 section 4.1), however
// quickly the answer came.

import { createHash } from 'node:crypto';
import { fieldValue, listValue, type RawFields } from '../../fields/fields.ts';

/** RFC 6455 section 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Whether the fields of a 101 accept the handshake that the request's fields ask for. */
export function isAccepted(asked: RawFields, answered: RawFields): boolean {
  if (fieldValue(answered, 'upgrade')?.toLowerCase() !== 'websocket') return false;
  const key = fieldValue(asked, 'sec-websocket-key');
  // A request without a key is no handshake of RFC 6455, and its client knows what it wants.
  if (key !== null && fieldValue(answered, 'sec-websocket-accept') !== acceptOf(key)) return false;
  const protocol = fieldValue(answered, 'sec-websocket-protocol');
  return protocol === null || offered(asked).has(protocol);
}

function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64');
}

/** Subprotocols. */
function offered(asked: RawFields): ReadonlySet<string> {
  return new Set((listValue(asked, 'sec-websocket-protocol') ?? '').split(',').map((name) => name.trim()));
}
