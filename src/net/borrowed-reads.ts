// Reads into one buffer that all TCP sockets of this event loop share. A socket that is read as a stream gets 64 KiB for each read, and
// to get them, to shrink them to what came, and to collect them costs more than routing a short request. What is read is borrowed: it
// is overwritten by the next read, of this socket or of another.
//
// A socket that connects is given the buffer by the option `onread`. A server has no such option for the sockets that it accepts; they
// are given it as that option is kept inside: by two fields, whose symbols are looked up, and a method of the handle.

import { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** What one read brings at most. */
const READ_BYTES = 64 * 1024;
let shared: Buffer | null = null;

/** A buffer for one read: of a socket that keeps what it read until that is written. */
export function ownReadBuffer(): Buffer {
  return Buffer.allocUnsafeSlow(READ_BYTES);
}

/** Read into by one socket at a time, and never beyond the call in which it was filled. */
export function sharedReadBuffer(): Buffer {
  shared ??= Buffer.allocUnsafeSlow(READ_BYTES);
  return shared;
}

const inside = new Map(Object.getOwnPropertySymbols(new Socket()).map((symbol) => [symbol.description, symbol]));
const BUFFER = inside.get('kBuffer');
const CALLBACK = inside.get('kBufferCb');
const NEXT_BUFFER = inside.get('kBufferGen');

/** The handle of a TCP socket. */
interface Handle {
  useUserBuffer?(buffer: Uint8Array): void;
}

/**
 * Behind each read of a socket that is read into a buffer, `next` chooses the one for the read to come; null: it stays. False, and
 * nothing is changed, where this Node has no such choice.
 */
export function chooseReadBuffer(socket: Socket, next: (() => Buffer) | null): boolean {
  return NEXT_BUFFER !== undefined && Reflect.set(socket, NEXT_BUFFER, next);
}

/** Returned by `borrowReads`. */
export type StopBorrowing = () => void;

/**
 * `take` gets what an accepted socket reads from now on, to be looked at during the call alone. What is returned ends that: the socket
 * is read as a stream again. Null, and nothing is changed, where this Node has no such reads.
 */
export function borrowReads(socket: Socket, take: (bytes: Buffer) => void): StopBorrowing | null {
  const handle = (socket as unknown as { readonly _handle: Handle | null })._handle;
  if (BUFFER === undefined || CALLBACK === undefined || handle?.useUserBuffer === undefined) return null;
  const buffer = sharedReadBuffer();
  let borrows = true;
  const onRead = (length: number): boolean => {
    const bytes = buffer.subarray(0, length);
    if (!borrows) return socket.push(Buffer.from(bytes));
    take(bytes);
    return true;
  };
  handle.useUserBuffer(buffer);
  Reflect.set(socket, CALLBACK, onRead);
  Reflect.set(socket, BUFFER, buffer);
  return () => {
    borrows = false;
    asStream(socket);
  };
}

/** A socket that is read into a buffer goes on reading with each `read` and `resume`, however much of what it brought still waits. */
function asStream(socket: Socket): void {
  const { read, pause, resume } = Duplex.prototype;
  Object.assign(socket, { read, pause, resume });
  // Its `pause` stopped it below the stream, which does not know that.
  if (!socket.destroyed) socket._read(0);
}
