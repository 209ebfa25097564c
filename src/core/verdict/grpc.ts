// What gRPC says beside HTTP: the status of a call, and the time that its client gives it (gRPC over HTTP/2, "Requests", "Responses").

/** Stands for the status of an answer that is not gRPC. */
export const NO_GRPC_STATUS = -1;

/** Statuses of gRPC (its statuscodes.md). */
export const GRPC_OK = 0;
/** It ended without a status that is known. */
export const GRPC_UNKNOWN = 2;
/** The deadline passed. */
export const GRPC_DEADLINE_EXCEEDED = 4;
/** It is overloaded. */
export const GRPC_RESOURCE_EXHAUSTED = 8;
/** It has no such method. */
export const GRPC_UNIMPLEMENTED = 12;
/** It broke an invariant of its own. */
export const GRPC_INTERNAL = 13;
/** It cannot answer now; another may. */
export const GRPC_UNAVAILABLE = 14;

export const GRPC_STATUS_MAX = 16;

/** `application/grpc`, `application/grpc+proto`, …; not gRPC-Web, whose status is part of its body. */
export function isGrpc(contentType: string): boolean {
  return contentType.startsWith('application/grpc') && !isGrpcWeb(contentType);
}

/** gRPC for browsers, over any version of HTTP. */
export function isGrpcWeb(contentType: string): boolean {
  return contentType.startsWith('application/grpc-web');
}

/** A value that is no status of gRPC means UNKNOWN, as clients take it. */
export function readGrpcStatus(value: string): number {
  const status = /^\d{1,2}$/.test(value) ? Number(value) : GRPC_UNKNOWN;
  return status <= GRPC_STATUS_MAX ? status : GRPC_UNKNOWN;
}

const MS_PER_UNIT: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** `grpc-timeout` in ms; null for what is none: it is left to the instance to complain of. */
export function readGrpcTimeout(value: string): number | null {
  const match = /^(\d{1,8})([HMSmun])$/.exec(value);
  return match === null ? null : Number(match[1]) * (MS_PER_UNIT[match[2] ?? ''] ?? Number.NaN);
}

/** Eight digits are all that the unit may have before it. */
const DIGITS_MAX = 99_999_999;

/** `grpc-timeout` for whole milliseconds. */
export function writeGrpcTimeout(ms: number): string {
  return ms <= DIGITS_MAX ? `${ms}m` : `${Math.min(DIGITS_MAX, Math.floor(ms / 1000))}S`;
}
