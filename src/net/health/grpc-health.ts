// The health protocol of gRPC (grpc.health.v1.Health/Check): the one message that is sent, and what the answer to it says.

import { readGrpcStatus } from '../../core/verdict/grpc.ts';
import { healthFailure } from '../../core/verdict/health.ts';
import type { AskRequest, Reply } from './ask.ts';

/** A message is framed by a byte that says whether it is compressed and its length in four. */
const FRAME_HEAD_BYTES = 5;
/** Protocol Buffers: field 1, of wire type 2 (bytes) and 0 (a number). */
const FIELD_1_BYTES = 0x0a;
const FIELD_1_NUMBER = 0x08;
/** HealthCheckResponse.ServingStatus; what is left out is 0. */
const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const SERVING = 1;

/** `service`: as the instance names it; empty for the instance as a whole. */
export function grpcHealthRequest(authority: string, service: string): AskRequest {
  const name = Buffer.from(service);
  const message =
    name.length === 0 ? name : Buffer.concat([Buffer.from([FIELD_1_BYTES, ...varint(name.length)]), name]);
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUInt32BE(message.length, 1);
  return {
    method: 'POST',
    authority,
    path: '/grpc.health.v1.Health/Check',
    fields: { 'content-type': 'application/grpc', te: 'trailers', 'user-agent': 'qedge-health' },
    body: Buffer.concat([head, message]),
    headOnly: false,
  };
}

/** Null: it serves. */
export function grpcHealthFailure({ status, fields, body }: Reply): string | null {
  if (status !== 200) return `status ${status}`;
  const grpcStatus = readGrpcStatus(String(fields['grpc-status'] ?? ''));
  const failure = healthFailure({ status, grpcStatus, declaredFailure: false });
  if (failure !== null) {
    const message = unescaped(String(fields['grpc-message'] ?? ''));
    return message === '' ? failure : `${failure}: ${message}`;
  }
  const serving = servingStatus(body.subarray(FRAME_HEAD_BYTES));
  return serving === SERVING ? null : (STATUSES[serving] ?? `serving status ${serving}`);
}

/** Messages are percent-encoded; a badly encoded one is shown as it came. */
function unescaped(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

function servingStatus(message: Buffer): number {
  return message[0] === FIELD_1_NUMBER ? (message[1] ?? 0) : 0;
}

/** Seven bits a byte, least significant first, the highest bit set on all but the last. */
function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)];
}
