// The fast way to an instance: a request whose body is whole leaves in one write over a pooled connection, and the answer
// comes back as raw fields and chunks, without Request, Response, Headers or stream in between.

import type { InstancePool } from '../pool.ts';
import type { UpstreamCall, UpstreamHandler, UpstreamRequest } from '../upstream.ts';

/**
 * Sends a request whose body is complete; `body` null when it has none. Never throws: errors go to `onError`. `again`: an attempt
 * failed before, so that idle connections are not trusted any more.
 */
export function forward(
  pool: InstancePool,
  request: UpstreamRequest,
  { body, again }: { readonly body: Buffer | null; readonly again: boolean },
  handler: UpstreamHandler,
): UpstreamCall {
  const connection = again ? pool.newConnection() : pool.takeConnection();
  return connection.send(request, body, handler);
}
