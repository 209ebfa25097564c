// Distinguishes HTTP/1 from HTTP/2 on a cleartext connection by its first bytes (prior knowledge, RFC 9113 section 3.3).

import { METHODS } from 'node:http';
import type { Socket } from 'node:net';

/** What a client starts a cleartext connection of HTTP/2 with (RFC 9113 section 3.4); its first bytes are enough. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** A method of HTTP/1 shares fewer bytes with the preface. */
const PREFACE_BYTES_MIN = 4;

/** `neither`: a line that no client of HTTP sends, in whichever version it would read an answer. */
export type SniffedProtocol = 'http1' | 'http2' | 'neither';

/**
 * Looks at the first bytes of a cleartext connection and hands it on together with them. A client that says nothing is cut
 * off after `timeoutMs`.
 */
export function sniff(
  socket: Socket,
  timeoutMs: number,
  found: (protocol: SniffedProtocol, first: Buffer) => void,
): void {
  let seen: Buffer = Buffer.alloc(0);
  const giveUp = (): void => {
    socket.destroy();
  };
  const onReadable = (): void => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, PREFACE_BYTES_MIN);
    const isPreface = seen.compare(PREFACE, 0, length, 0, length) === 0;
    if (isPreface && length < PREFACE_BYTES_MIN) return;
    socket.setTimeout(0);
    socket.removeListener('timeout', giveUp);
    socket.removeListener('end', giveUp);
    socket.removeListener('error', giveUp);
    socket.removeListener('readable', onReadable);
    // Node resumes a socket in the next tick if it has another listener by then, even one that is to wait.
    process.nextTick(() => {
      if (!socket.destroyed) found(isPreface ? 'http2' : likeHttp1(seen), seen);
    });
  };
  socket.setTimeout(timeoutMs, giveUp);
  // It went away again without a word, and nothing else listens yet.
  socket.on('end', giveUp);
  socket.on('error', giveUp);
  socket.on('readable', onReadable);
}

/**
 * `neither` where the first line names no method that there is and no version of HTTP: an answer of HTTP/1 would be no answer to
 * a client of HTTP/2 with an invalid preface, whose connection is to be closed (RFC 9113 section 3.4).
 */
function likeHttp1(first: Buffer): SniffedProtocol {
  const end = first.indexOf('\n');
  // Most often a request; and what is not whole yet is read on as one.
  if (end < 0 || first.subarray(0, end).includes('HTTP/')) return 'http1';
  const [method = ''] = first.toString('latin1', 0, Math.min(end, METHOD_BYTES_MAX)).trim().split(' ', 1);
  // An empty line may stand before a request (RFC 9112 section 2.2).
  return method === '' || METHODS.includes(method) ? 'http1' : 'neither';
}

/** More than the longest of `METHODS`. */
const METHOD_BYTES_MAX = 32;
