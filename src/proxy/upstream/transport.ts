// How one attempt travels: what the instance speaks decides, and for HTTP/1 whether the short way will do. There a request whose
// body is whole leaves in one write over a pooled connection, and the answer comes back as raw fields and chunks, without Request,
// Response, Headers or stream in between.

import { forwardStream } from './http1/forward-stream.ts';
import { forwardHttp2 } from './http2/forward.ts';
import type { InstancePool } from './pool.ts';
import type { Transmission, UpstreamCall, UpstreamHandler } from './upstream.ts';
import { upstreamError } from './upstream.ts';

/** Sends one attempt. Never throws: errors go to `onError`. */
export function transmit(pool: InstancePool, transmission: Transmission, handler: UpstreamHandler): UpstreamCall {
  // An upgrade is an affair of HTTP/1, also where the instance speaks HTTP/2.
  if (pool.protocol.known === 'http1' || transmission.framing.upgrade !== null) {
    return transmitHttp1(pool, transmission, handler);
  }
  if (pool.protocol.known === 'http2') {
    return forwardHttp2(pool.http2, transmission, handler);
  }
  const call = new LateCall();
  pool.protocol.discover((error) => {
    if (call.aborted) return;
    if (error !== null) handler.onError(upstreamError(error, false, false));
    else {
      handler.onConnected();
      call.begin(transmit(pool, transmission, handler));
    }
  });
  return call;
}

function transmitHttp1(pool: InstancePool, transmission: Transmission, handler: UpstreamHandler): UpstreamCall {
  const { request, framing, body, again } = transmission;
  const whole = body === null ? null : body.whole;
  const plain =
    framing.upgrade === null &&
    framing.expect === null &&
    request.target !== '*' &&
    (body === null || (whole !== null && body.trailers.length === 0));
  if (!plain) return forwardStream(pool, transmission, handler);
  const connection = again ? pool.newConnection() : pool.takeConnection();
  return connection.send(request, whole, handler);
}

/** An attempt that waits until it is known what the instance speaks. */
class LateCall implements UpstreamCall {
  aborted = false;
  #call: UpstreamCall | null = null;

  begin(call: UpstreamCall): void {
    this.#call = call;
  }

  pause(): void {
    this.#call?.pause();
  }

  resume(): void {
    this.#call?.resume();
  }

  abort(late = false): void {
    this.aborted = true;
    this.#call?.abort(late);
  }
}
