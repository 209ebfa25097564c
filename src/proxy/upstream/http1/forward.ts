// The fast way to an instance: a request whose body is whole leaves in one write over a pooled connection, and the answer
// comes back as raw fields and chunks, without Request, Response, Headers or stream in between.

import type { InstancePool } from '../pool.ts';
import type { Transmission, UpstreamCall, UpstreamHandler } from '../upstream.ts';

/** Sends a request whose body, if it has one, is complete. Never throws: errors go to `onError`. */
export function forward(
  pool: InstancePool,
  { request, body, again }: Transmission,
  handler: UpstreamHandler,
): UpstreamCall {
  const connection = again ? pool.newConnection() : pool.takeConnection();
  return connection.send(request, body === null ? null : body.whole, handler);
}
