// A name server over real sockets, UDP and TCP, that answers what a test says.

import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { onTestFinished } from 'vitest';
import { decodeDns } from '../../src/net/dns/decode.ts';
import { encodeMulticast } from '../../src/net/dns/encode.ts';
import type { DnsQuestion, DnsRecord } from '../../src/net/dns/message.ts';
import { listening } from './listening.ts';

export interface NameServerAnswer {
  readonly code?: number;
  readonly answers?: readonly DnsRecord[];
  readonly authorities?: readonly DnsRecord[];
}

export interface NameServer {
  readonly port: number;
  /** Questions so far, as `name type udp`. */
  readonly asked: readonly string[];
}

/** `answer`: null leaves the question without one. Ends with the test. */
export async function startNameServer(
  answer: (question: DnsQuestion, transport: 'udp' | 'tcp') => NameServerAnswer | null,
): Promise<NameServer> {
  const asked: string[] = [];
  const respond = (bytes: Buffer, transport: 'udp' | 'tcp'): Buffer | null => {
    const { id, questions } = decodeDns(bytes);
    const [question] = questions;
    if (question === undefined) return null;
    asked.push(`${question.name} ${question.type} ${transport}`);
    const said = answer(question, transport);
    if (said === null) return null;
    const response = encodeMulticast({ questions, ...said });
    response.writeUInt16BE(id, 0);
    // RFC 1035, section 4.1.1: an answer, of a server that asks others.
    response.writeUInt16BE(0x8180 | (said.code ?? 0), 2);
    return response;
  };
  const tcp = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes) => {
      const response = respond(bytes.subarray(2), 'tcp');
      if (response === null) return;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(response.length);
      socket.end(Buffer.concat([length, response]));
    });
  });
  const port = await listening(tcp);
  const udp = createSocket('udp4', (bytes, from) => {
    const response = respond(bytes, 'udp');
    if (response === null) return;
    // RFC 1035, section 4.2.1: beyond 512 bytes it is cut off, and says so.
    if (response.length > 512) {
      response.writeUInt16BE(response.readUInt16BE(2) | 0x0200, 2);
      response.writeUInt16BE(0, 6);
      udp.send(response.subarray(0, 512 - 12), from.port, from.address);
    } else udp.send(response, from.port, from.address);
  });
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve));
  onTestFinished(() => {
    tcp.close();
    udp.close();
  });
  return { port, asked };
}
