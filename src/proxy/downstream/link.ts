// How a client connection ends, over TCP and over TLS.

import type { Socket } from 'node:net';
import type { ClientLink } from './client-connection.ts';

/**
 * TLS has no reset: there, an end without a word of goodbye (close_notify) is the error. And behind an end that is under way the
 * system refuses a reset (`uv_tcp_close_reset`), after which node would never close the socket.
 */
export function linkOf(socket: Socket): ClientLink {
  const destroy = (): unknown => socket.destroy();
  if ('encrypted' in socket) return { destroy, resetAndDestroy: destroy };
  return { destroy, resetAndDestroy: () => (socket.writableEnded ? socket.destroy() : socket.resetAndDestroy()) };
}
