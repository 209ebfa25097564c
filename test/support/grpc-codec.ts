// Messages of gRPC as they are: a test reads and writes their bytes itself.

const bytes = (value: Buffer): Buffer => value;

/** What a definition of a unary method needs beside its path. */
export const UNARY_BYTES = {
  requestStream: false,
  responseStream: false,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
} as const;
