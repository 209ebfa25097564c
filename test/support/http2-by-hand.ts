// A server of HTTP/2 by hand, frame by frame, for what node:http2 never does: GOAWAY below a request that has come already.

import type { Socket } from 'node:net';
import { FLAG, type FrameSeen, frame, TYPE } from './http2-frames.ts';
import { startRawInstance } from './proxy.ts';

const PREFACE_BYTES = 24;
const HEAD_BYTES = 9;
/** `:status: 200` by its index in the static table (RFC 7541 appendix A). */
const STATUS_200 = Buffer.from([0x88]);

/** 200 with a body. */
export function answer(stream: number, body: string): Buffer {
  return Buffer.concat([head(stream), data(stream, body, FLAG.endStream)]);
}

/** The same, up to a point in the middle of its body. */
export function beginning(stream: number, body: string): Buffer {
  return Buffer.concat([head(stream), data(stream, body, 0)]);
}

const head = (stream: number): Buffer => frame(TYPE.headers, FLAG.endHeaders, stream, STATUS_200);

const data = (stream: number, body: string, flags: number): Buffer =>
  frame(TYPE.data, flags, stream, Buffer.from(body));

export function reset(stream: number, code: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(code);
  return frame(TYPE.rstStream, 0, stream, payload);
}

export function goaway(lastStream: number, code = 0): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(lastStream, 0);
  payload.writeUInt32BE(code, 4);
  return frame(TYPE.goaway, 0, 0, payload);
}

/** Greets, acknowledges settings and pings, hands each HEADERS frame on, and shows every frame before that. Returns its port. */
export function startHttp2ByHand(
  onHeaders: (stream: number, socket: Socket) => void,
  onFrame: (frame: FrameSeen) => void = () => {},
): Promise<number> {
  return startRawInstance((socket) => {
    let bytes = Buffer.alloc(0);
    let greeted = false;
    socket.write(frame(TYPE.settings, 0, 0));
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
        onFrame({ type, flags, streamId: stream, payload });
        if (type === TYPE.headers) onHeaders(stream, socket);
        if (flags & FLAG.ack) continue;
        if (type === TYPE.settings) socket.write(frame(type, FLAG.ack, 0));
        if (type === TYPE.ping) socket.write(frame(type, FLAG.ack, 0, payload));
      }
    });
  });
}
