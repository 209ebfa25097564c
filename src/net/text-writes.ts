// Short texts that go to the system past the stream of their socket. What a stream does for each write (a request, a buffer of
// one, two ticks) costs a tenth of what it takes to relay a short request. Where the system does not take all of it at once, the
// stream waits for the rest.
//
// The handle of a socket is called as `net` calls it, with a request of the kind that `net` makes. The handle keeps it where the rest
// has to be waited for; else it has not looked at it, and the same one is used again.

import type { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';

interface Request {
  oncomplete?: (status: number) => void;
  /** Bytes that must stay until it is complete. */
  bytes?: Buffer | null;
}

interface Handle {
  writeLatin1String?(request: Request, text: string): number;
  writev?(request: Request, parts: readonly (string | Buffer)[], allBuffers: boolean): number;
}

/** What `net` has of its handles. */
interface Inside {
  readonly WriteWrap: new () => Request;
  readonly streamBaseState: Int32Array;
  readonly kLastWriteWasAsync: number;
}

/** A socket, with what `net` has of it. */
interface OpenSocket {
  readonly _handle: Handle | null;
  _unrefTimer(): void;
}

const inside = insideOfNet();
let request = inside === null ? null : new inside.WriteWrap();

/** Something that was written to `socket` has not left. */
export function hasUnsent(socket: Socket): boolean {
  return socket.writableLength > 0 || socket.writableCorked > 0;
}

/** Writes a Latin-1 text, and `bytes` behind it, which must stay as they are; in order with all that is written to the stream. */
export function writeText(socket: Socket, text: string, bytes: Buffer | null = null): void {
  if (!hasUnsent(socket) && sendText(socket, text, bytes)) return;
  if (bytes === null) {
    socket.write(text, 'latin1');
    return;
  }
  socket.cork();
  socket.write(text, 'latin1');
  socket.write(bytes);
  socket.uncork();
}

/** Like `writeText`, ahead of what the stream still holds. False, and nothing is done, where it has to go through the stream. */
export function sendText(socket: Socket, text: string, bytes: Buffer | null): boolean {
  const { _handle: handle } = socket as unknown as OpenSocket;
  if (inside === null || request === null || handle?.writeLatin1String === undefined || handle.writev === undefined)
    return false;
  if ('encrypted' in socket || socket.connecting || !socket.writable) return false;
  const error =
    bytes === null
      ? handle.writeLatin1String(request, text)
      : handle.writev(request, [text, 'latin1', bytes, 'buffer'], false);
  if (error !== 0) process.nextTick(fail, socket, error);
  else if (inside.streamBaseState[inside.kLastWriteWasAsync] !== 0) {
    request.bytes = bytes;
    awaitRest(socket, request);
    request = new inside.WriteWrap();
  }
  // It was not silent.
  (socket as unknown as OpenSocket)._unrefTimer();
  return true;
}

/** What is written to the stream until then stays there. */
function awaitRest(socket: Socket, used: Request): void {
  socket.cork();
  used.oncomplete = (status) => {
    if (status < 0) fail(socket, status);
    else socket.uncork();
  };
}

function fail(socket: Socket, status: number): void {
  const code = getSystemErrorName(status);
  socket.destroy(Object.assign(new Error(`write ${code}`), { errno: status, code, syscall: 'write' }));
}

/** Null where this Node does not show it. */
function insideOfNet(): Inside | null {
  try {
    const binding = Reflect.get(process, 'binding') as (name: string) => Partial<Inside>;
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = binding('stream_wrap');
    if (WriteWrap === undefined || streamBaseState === undefined || kLastWriteWasAsync === undefined) return null;
    return { WriteWrap, streamBaseState, kLastWriteWasAsync };
  } catch {
    return null;
  }
}
