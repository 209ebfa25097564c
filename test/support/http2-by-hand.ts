// A server of HTTP/2 by hand, frame by frame, for what node:http2 never does: GOAWAY below a request that has come already.

import type { Socket } from 'node:net';
import { startRawInstance } from './proxy.ts';

export const FrameType = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7 } as const;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

const PREFACE_BYTES = 24;
const HEAD_BYTES = 9;
const ACK = 1;
const END_STREAM = 1;
const END_HEADERS = 4;
/** `:status: 200` by its index in the static table (RFC 7541 appendix A). */
const STATUS_200 = Buffer.from([0x88]);

export function frame({ type, flags = 0, stream = 0, payload = Buffer.alloc(0) }: Partial<Frame>): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type ?? FrameType.data;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** 200 with a body. */
export function answer(stream: number, body: string): Buffer {
  return Buffer.concat([head(stream), data(stream, body, END_STREAM)]);
}

/** The same, up to a point in the middle of its body. */
export function beginning(stream: number, body: string): Buffer {
  return Buffer.concat([head(stream), data(stream, body, 0)]);
}

const head = (stream: number): Buffer =>
  frame({ type: FrameType.headers, flags: END_HEADERS, stream, payload: STATUS_200 });

const data = (stream: number, body: string, flags: number): Buffer =>
  frame({ type: FrameType.data, flags, stream, payload: Buffer.from(body) });

export function reset(stream: number, code: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(code);
  return frame({ type: FrameType.reset, stream, payload });
}

export function goaway(lastStream: number, code = 0): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(lastStream, 0);
  payload.writeUInt32BE(code, 4);
  return frame({ type: FrameType.goaway, payload });
}

/** Greets, acknowledges settings and pings, and hands each HEADERS frame on. Returns its port. */
export function startHttp2ByHand(onHeaders: (stream: number, socket: Socket) => void): Promise<number> {
  return startRawInstance((socket) => {
    let bytes = Buffer.alloc(0);
    let greeted = false;
    socket.write(frame({ type: FrameType.settings }));
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (!greeted) {
        if (bytes.length < PREFACE_BYTES) return;
        greeted = true;
        bytes = bytes.subarray(PREFACE_BYTES);
      }
      for (;;) {
        const length = bytes.length < HEAD_BYTES ? Number.POSITIVE_INFINITY : HEAD_BYTES + bytes.readUIntBE(0, 3);
        if (bytes.length < length) return;
        const [type = 0, flags = 0] = bytes.subarray(3);
        const payload = bytes.subarray(HEAD_BYTES, length);
        const stream = bytes.readUInt32BE(5);
        bytes = bytes.subarray(length);
        if (type === FrameType.headers) onHeaders(stream, socket);
        if (flags & ACK) continue;
        if (type === FrameType.settings) socket.write(frame({ type, flags: ACK }));
        if (type === FrameType.ping) socket.write(frame({ type, flags: ACK, payload }));
      }
    });
  });
}
