// Distinguishes HTTP/1 from HTTP/2 on a cleartext connection by its first bytes (prior knowledge, RFC 9113 section 3.3).

import type { Socket } from 'node:net';

/** What a client starts a cleartext connection of HTTP/2 with (RFC 9113 section 3.4); its first bytes are enough. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** No method of HTTP/1 begins so. */
const PREFACE_BYTES_MIN = 4;

/**
 * Looks at the first bytes of a cleartext connection and hands it on together with them. A client that says nothing is cut
 * off after `timeoutMs`.
 */
export function sniff(
  socket: Socket,
  timeoutMs: number,
  found: (protocol: 'http1' | 'http2', first: Buffer) => void,
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
    // In the tick behind, node resumes a socket that has another listener by then, even one that is to wait.
    process.nextTick(() => found(isPreface ? 'http2' : 'http1', seen));
  };
  socket.setTimeout(timeoutMs, giveUp);
  // It went away again without a word, and nothing else listens yet.
  socket.on('end', giveUp);
  socket.on('error', giveUp);
  socket.on('readable', onReadable);
}
