// One question to one name server: over UDP, and over TCP where the answer does not fit (RFC 1035, section 4.2). A port and a
// number of its own for each question, so that an answer cannot be guessed from afar (RFC 5452).

import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { HostPort } from '../../../core/domain.ts';
import { decodeDns } from '../../../net/dns/decode.ts';
import { encodeQuery } from '../../../net/dns/encode.ts';
import { type DnsMessage, type DnsQuestion, sameName } from '../../../net/dns/message.ts';

/** How long one server may take, ms. */
const ANSWER_MS_MAX = 2_000;

/** @throws Error that says why there is no answer */
export async function askServer(server: HostPort, question: DnsQuestion): Promise<DnsMessage> {
  const message = await overUdp(server, question);
  return message.truncated ? overTcp(server, question) : message;
}

type Finish = (message: DnsMessage | Error) => void;

/** What takes longer than a server may is ended. */
function withDeadline(begin: (finish: Finish) => () => void): Promise<DnsMessage> {
  return new Promise((resolve, reject) => {
    let end = (): void => {};
    const finish: Finish = (message) => {
      clearTimeout(deadline);
      end();
      if (message instanceof Error) reject(message);
      else resolve(message);
    };
    const deadline = setTimeout(() => finish(new Error('no answer in time')), ANSWER_MS_MAX);
    end = begin(finish);
  });
}

function overUdp({ host, port }: HostPort, question: DnsQuestion): Promise<DnsMessage> {
  return withDeadline((finish) => {
    const id = randomInt(2 ** 16);
    const query = encodeQuery(id, question);
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    socket.on('error', finish);
    socket.on('message', (bytes) => {
      const message = answerTo(bytes, id, question);
      if (message !== null) finish(message);
    });
    // The event does not come where there is no way to the server; the callback would be called all the same.
    socket.once('connect', () => socket.send(query));
    socket.connect(port, host);
    let closed = false;
    return () => {
      if (!closed) socket.close();
      closed = true;
    };
  });
}

function overTcp({ host, port }: HostPort, question: DnsQuestion): Promise<DnsMessage> {
  return withDeadline((finish) => {
    const id = randomInt(2 ** 16);
    const query = encodeQuery(id, question);
    const pieces: Buffer[] = [];
    const socket = connect({ host, port }, () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(query.length);
      socket.write(Buffer.concat([length, query]));
    });
    socket.on('error', finish);
    socket.on('close', () => finish(new Error('the server closed the connection')));
    socket.on('data', (piece) => {
      pieces.push(piece);
      const bytes = Buffer.concat(pieces);
      const length = bytes.length < 2 ? Number.POSITIVE_INFINITY : bytes.readUInt16BE(0);
      if (bytes.length < 2 + length) return;
      finish(answerTo(bytes.subarray(2, 2 + length), id, question) ?? new Error('no answer to the question'));
    });
    return () => socket.destroy();
  });
}

/** Null for what is no answer to the question: a late one, or one that was made up. */
function answerTo(bytes: Buffer, id: number, { name, type }: DnsQuestion): DnsMessage | null {
  try {
    const message = decodeDns(bytes);
    const [asked] = message.questions;
    const isOurs = message.isAnswer && message.id === id && asked?.type === type && sameName(asked.name, name);
    return isOurs ? message : null;
  } catch {
    return null;
  }
}
