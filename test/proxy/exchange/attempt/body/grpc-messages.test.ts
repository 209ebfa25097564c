import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { NO_GRPC_STATUS } from '../../../../../src/core/verdict/grpc.ts';
import { contentCheck } from '../../../../../src/proxy/exchange/attempt/body/body-checks.ts';
import { CheckBudget } from '../../../../../src/proxy/exchange/attempt/body/check-budget.ts';
import { type GrpcMessages, grpcMessages } from '../../../../../src/proxy/exchange/attempt/body/grpc-messages.ts';

const MESSAGE = Buffer.from([0, 0, 0, 0, 3, 8, 1, 7]);
const EMPTY = Buffer.from([0, 0, 0, 0, 0]);
const TRAILERS = webTrailers('grpc-message: no model\r\ngrpc-status: 14\r\n');

function webTrailers(text: string): Buffer {
  const prefix = Buffer.from([0x80, 0, 0, 0, 0]);
  prefix.writeUInt32BE(text.length, 1);
  return Buffer.concat([prefix, Buffer.from(text)]);
}

function read(contentType: string, body: Buffer, pieceBytes: number): GrpcMessages {
  const messages = grpcMessages(contentType, null);
  for (let at = 0; at < body.length; at += pieceBytes) messages.take(body.subarray(at, at + pieceBytes));
  return messages;
}

describe.each([1, 3, 4096])('messages in pieces of %i bytes', (pieceBytes) => {
  it('are whole at their ends alone', () => {
    const body = Buffer.concat([MESSAGE, EMPTY, MESSAGE]);
    const ends = [0, 8, 13, 21];
    for (let bytes = 0; bytes <= body.length; bytes++) {
      const { truncated, begun } = read('application/grpc+proto', body.subarray(0, bytes), pieceBytes);
      expect([bytes, truncated, begun]).toEqual([bytes, !ends.includes(bytes), bytes >= 8]);
    }
  });

  it('of gRPC-Web have their status in the last', () => {
    const { truncated, grpcStatus } = read(
      'application/grpc-web+proto',
      Buffer.concat([MESSAGE, TRAILERS]),
      pieceBytes,
    );
    expect([truncated, grpcStatus]).toEqual([false, 14]);
  });

  it('of gRPC-Web as text have it in base64, each message by itself or not', () => {
    const alone = MESSAGE.toString('base64') + TRAILERS.toString('base64');
    const together = Buffer.concat([MESSAGE, TRAILERS]).toString('base64');
    for (const text of [alone, together]) {
      const { truncated, grpcStatus, begun } = read('application/grpc-web-text', Buffer.from(text), pieceBytes);
      expect([truncated, grpcStatus, begun]).toEqual([false, 14, true]);
    }
  });

  it('of plain gRPC have no status in the body', () => {
    expect(read('application/grpc', TRAILERS, pieceBytes).grpcStatus).toBe(NO_GRPC_STATUS);
  });
});

describe('a compressed message', () => {
  const isUnreadable = (message: Buffer, contentEncoding: string | null): boolean => {
    const decoding = contentEncoding && {
      check: () => contentCheck({ contentType: '', contentEncoding }, new CheckBudget(), 0),
    };
    const messages = grpcMessages('application/grpc', decoding || null);
    for (const part of [Buffer.from([1, 0, 0, 0, message.length]), message]) messages.take(part);
    return messages.isUnreadable;
  };

  it('can be read where it is compressed as the head says', () => {
    const message = gzipSync('left');
    expect([isUnreadable(message, 'gzip'), isUnreadable(message, 'own')]).toEqual([false, false]);
    expect([isUnreadable(message, null), isUnreadable(message, 'deflate')]).toEqual([true, true]);
    expect(isUnreadable(message.subarray(0, 12), 'gzip')).toBe(true);
  });
});

it('a status is not read from trailers of a senseless length', () => {
  const long = webTrailers(`a: ${'x'.repeat(20_000)}\r\ngrpc-status: 14\r\n`);
  expect(read('application/grpc-web', long, 4096).grpcStatus).toBe(NO_GRPC_STATUS);
});

it('trailers that are long, and many, cost no more than it takes to read them', () => {
  const blanks = webTrailers(`grpc-status: x${' '.repeat(16_000)}x\r\n`);
  const body = Buffer.concat([...Array.from({ length: 500 }, () => blanks), TRAILERS]);
  const before = process.cpuUsage().user;
  expect(read('application/grpc-web', body, 4096).grpcStatus).toBe(14);
  expect(process.cpuUsage().user - before).toBeLessThan(1_000_000);
});
