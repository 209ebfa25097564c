import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { hasUnsent, writeText } from '../../src/net/text-writes.ts';
import { makeCertificates } from '../support/certificates.ts';
import { listening } from '../support/listening.ts';
import { PATIENCE } from '../support/patience.ts';

/** More than the system takes for a peer that does not read. */
const LONG = 'abcdefgh'.repeat(2_000_000);

interface Pair {
  readonly socket: Socket;
  /** Paused. */
  readonly peer: Socket;
  /** What the peer reads from now on, all of it. */
  readonly rest: () => Promise<string>;
}

async function startPair(): Promise<Pair> {
  const server = createServer({ pauseOnConnect: true });
  onTestFinished(() => void server.close());
  const socket = connect(await listening(server), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const [peer] = (await once(server, 'connection')) as [Socket];
  onTestFinished(() => void peer.destroy());
  if (socket.connecting) await once(socket, 'connect');
  const rest = async (): Promise<string> => Buffer.concat(await peer.toArray()).toString('latin1');
  return { socket, peer, rest };
}

describe('a text', () => {
  it('leaves past the stream of its socket, in order with what the stream writes', async () => {
    const { socket, rest } = await startPair();
    const write = vi.spyOn(socket, '_write');
    writeText(socket, 'one\xe9');
    writeText(socket, 'two', Buffer.from('three'));
    expect(write).not.toHaveBeenCalled();
    expect(hasUnsent(socket)).toBe(false);
    socket.write('four');
    writeText(socket, 'five');
    socket.end();
    expect(await rest()).toBe('one\xe9twothreefourfive');
  });

  it.each([
    ['alone', LONG, null],
    ['with bytes', 'head', Buffer.from(LONG)],
  ])(
    'of which the system takes a part arrives whole, %s, and what comes later comes behind it',
    async (_, text, bytes) => {
      const { socket, rest } = await startPair();
      writeText(socket, text, bytes);
      expect(hasUnsent(socket)).toBe(true);
      writeText(socket, '1');
      socket.write('2');
      writeText(socket, '3');
      const arriving = rest();
      await expect.poll(() => hasUnsent(socket), PATIENCE).toBe(false);
      writeText(socket, '4');
      socket.end();
      const arrived = await arriving;
      expect(arrived.length).toBe(text.length + (bytes?.length ?? 0) + 4);
      expect(arrived === `${text}${bytes?.toString() ?? ''}1234`).toBe(true);
    },
  );

  it('arrives whole where its socket is ended meanwhile', async () => {
    const { socket, rest } = await startPair();
    writeText(socket, LONG);
    socket.end('1');
    expect(await rest()).toBe(`${LONG}1`);
  });

  it('goes through the stream where something waits there', async () => {
    const { socket, rest } = await startPair();
    socket.cork();
    socket.write('1');
    writeText(socket, '2');
    socket.uncork();
    writeText(socket, '3');
    socket.end();
    expect(await rest()).toBe('123');
  });

  it('is sent once its socket is connected', async () => {
    const server = createServer({ pauseOnConnect: true });
    onTestFinished(() => void server.close());
    const socket = connect(await listening(server), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    writeText(socket, '1');
    socket.end();
    const [peer] = (await once(server, 'connection')) as [Socket];
    expect(Buffer.concat(await peer.toArray()).toString()).toBe('1');
  });

  it('is encrypted over TLS', async () => {
    const { caFile, server: own } = makeCertificates();
    const server = createTlsServer({ key: readFileSync(own.keyFile), cert: readFileSync(own.certFile) });
    onTestFinished(() => void server.close());
    const socket = connectTls({ port: await listening(server), host: 'localhost', ca: readFileSync(caFile) });
    onTestFinished(() => void socket.destroy());
    const [peer] = (await once(server, 'secureConnection')) as [Socket];
    writeText(socket, '1');
    writeText(socket, '2', Buffer.from('3'));
    socket.end();
    expect(Buffer.concat(await peer.toArray()).toString()).toBe('123');
  });

  it('ends a socket whose peer is gone with an error, and one that has ended takes none', async () => {
    const { socket, peer } = await startPair();
    const errors: unknown[] = [];
    socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code));
    peer.resetAndDestroy();
    await expect
      .poll(() => {
        writeText(socket, '1');
        return socket.destroyed;
      }, PATIENCE)
      .toBe(true);
    await expect.poll(() => errors.length, PATIENCE).toBeGreaterThan(0);
    expect(['EPIPE', 'ECONNRESET']).toContain(errors[0]);
  });

  it('is dropped with the rest where its socket is destroyed', async () => {
    const { socket } = await startPair();
    const errors: unknown[] = [];
    socket.on('error', (error) => errors.push(error));
    writeText(socket, LONG);
    socket.destroy();
    await once(socket, 'close');
    await new Promise((resolve) => setImmediate(resolve));
    expect(errors).toEqual([]);
  });
});
