// Bytes of HTTP/2 made by hand, for what no client of good faith would send.

import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { Flag, FrameType } from '../../src/proxy/http2/frames.ts';

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
export const TYPE = FrameType;
export const FLAG = Flag;

export function frame(type: number, flags: number, streamId: number, payload: Buffer | string = ''): Buffer {
  const body = Buffer.from(payload as string, 'latin1');
  const header = Buffer.alloc(9);
  header.writeUIntBE(body.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, body]);
}

/** Fields as literals that are never indexed, without Huffman codes: any bytes will do. Up to 126 bytes each. */
export function hpack(fields: readonly (readonly [string, string])[]): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0x10]), text(name), text(value)]));
}

export const GET: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':path', '/'],
  [':scheme', 'http'],
  [':authority', 'svc'],
];
export const POST = GET.map(([name, value]) => [name, name === ':method' ? 'POST' : value] as const);

export interface FrameSeen {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

export interface FrameClient {
  readonly socket: Socket;
  /** What has come so far. */
  seen(): readonly FrameSeen[];
}

const BEGIN = Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0)]);

/** Sends the preface, or what else is to be the `begin`, and `frames`; closed when the test is over. */
export function frameClient(port: number, frames: readonly Buffer[], begin = BEGIN): FrameClient {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(Buffer.concat([begin, ...frames]));
  return { socket, seen: () => framesIn(Buffer.concat(chunks)) };
}

/** Whole frames only. */
export function framesIn(bytes: Buffer): FrameSeen[] {
  const frames: FrameSeen[] = [];
  for (let at = 0; bytes.length - at >= 9; ) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    const streamId = bytes.readUInt32BE(at + 5) & 0x7fff_ffff;
    frames.push({
      type: bytes[at + 3] ?? 0,
      flags: bytes[at + 4] ?? 0,
      streamId,
      payload: bytes.subarray(at + 9, end),
    });
    at = end;
  }
  return frames;
}
