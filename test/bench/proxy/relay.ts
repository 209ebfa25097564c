// The least that a proxy made with Node costs: what a client sends goes to a connection of its own to the instance, and what comes back
// goes to the client. It knows no HTTP. `node relay.ts PORT UPSTREAM_PORT`.

import { connect, createServer, type Socket } from 'node:net';
import { borrowReads } from '../../../src/net/borrowed-reads.ts';

/** Up to here a string is written faster than a buffer. */
const STRING_BYTES_MAX = 4096;

const [port, upstream] = process.argv.slice(2).map(Number);
const buffer = Buffer.allocUnsafeSlow(64 * 1024);

createServer({ noDelay: true, pauseOnConnect: true }, (client) => {
  const instance: Socket = connect({
    host: '127.0.0.1',
    port: upstream ?? 0,
    noDelay: true,
    onread: { buffer, callback: (length) => pass(buffer.subarray(0, length), instance, client) },
  });
  borrowReads(client, (bytes) => pass(bytes, client, instance));
  for (const [from, to] of [
    [client, instance],
    [instance, client],
  ] as const) {
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
    from.on('drain', () => to.resume());
  }
  client.resume();
}).listen(port, '127.0.0.1');

function pass(bytes: Buffer, from: Socket, to: Socket): boolean {
  const writable =
    bytes.length < STRING_BYTES_MAX ? to.write(bytes.toString('latin1'), 'latin1') : to.write(Buffer.from(bytes));
  if (!writable) from.pause();
  return true;
}
