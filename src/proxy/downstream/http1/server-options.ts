// How node:http serves what the fast path does not: llhttp in its strict mode, limits on heads, and no upgrade but to WebSockets.

import type { IncomingMessage, ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { ProxyConfig } from '../../../config/config.ts';
import { RawRequest } from './raw-request.ts';
import { RawResponse } from './raw-response.ts';

/** `isBusy`: an earlier request of the connection is not answered. */
export function serverOptions(
  config: ProxyConfig,
  isBusy: (socket: Socket) => boolean,
): ServerOptions<typeof RawRequest, typeof RawResponse> {
  return {
    IncomingMessage: RawRequest,
    ServerResponse: RawResponse,
    maxHeaderSize: config.headerBytesMax,
    headersTimeout: config.headersTimeoutMs,
    // Large uploads may take as long as they keep moving.
    requestTimeout: 0,
    // Kept by the idle timeout of the listener: one timer a connection, instead of two new ones for every request.
    keepAliveTimeout: 0,
    // Checked with the other fields, so that the answer is ours.
    requireHostHeader: false,
    insecureHTTPParser: false,
    noDelay: true,
    // A request without a body needs no stream for it.
    optimizeEmptyRequests: true,
    // Every other upgrade (h2c, or one sent ahead) is a suggestion that is not taken: the request is answered as it is.
    shouldUpgradeCallback: (request: IncomingMessage) =>
      request.method === 'GET' &&
      // RFC 9110 section 7.8.
      request.httpVersion === '1.1' &&
      request.headers.upgrade?.toLowerCase() === 'websocket' &&
      !isBusy(request.socket) &&
      // Behind the last answer, what else comes is only read to its end.
      request.socket.writable,
  };
}
