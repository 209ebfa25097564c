// What a session that reads through a guard has to say, straight to the socket. Between a session and a stream that is no socket
// of the system, node puts an adapter (lib/internal/js_stream_socket.js) that fails an assertion, and with it ends the process,
// as soon as two writes are under way; a session that closes while its client does not read has several. This is the adapter's
// way to write, without that limit.

import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';

interface StreamAdapter {
  /** Null once it is closed. */
  readonly _handle: { finishWrite(request: object, status: number): void } | null;
  /** Returns 0, with `finishWrite` to follow, or a negative code of libuv. */
  doWrite(request: object, buffers: readonly Uint8Array[]): number;
}

/** `ECANCELED` and `EPIPE`, as libuv has them on Linux. */
const CANCELED = -125;
const BROKEN_PIPE = -32;

/** `socket` is what the stream of `session` reads from. */
export function writeStraight(session: ServerHttp2Session, socket: Socket): void {
  const adapter = session.socket as unknown as StreamAdapter;
  const handle = adapter._handle;
  adapter.doWrite = (request, buffers) => {
    if (socket.destroyed || !socket.writable || handle === null) return CANCELED;
    // Never within the call that writes.
    const done = (error?: Error | null): void => {
      setImmediate(() => handle.finishWrite(request, error ? BROKEN_PIPE : 0));
    };
    socket.cork();
    buffers.forEach((buffer, index) => {
      if (index < buffers.length - 1) socket.write(buffer);
      else socket.write(buffer, done);
    });
    socket.uncork();
    return 0;
  };
}
