// What an exchange needs of a client's request and of the answer to it, in any version of HTTP.
// node:http's own classes fit as they are; the two halves of a stream of HTTP/2 (downstream/http2/) are made to.

/** A request, in any version of HTTP. */
export interface ClientRequest {
  /** `1.0`, `1.1` or `2`. */
  readonly httpVersion: string;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Name, value, name, value, … as they came. */
  readonly rawHeaders: readonly string[];
  /** Complete once the body has ended. */
  readonly rawTrailers: readonly string[];
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  once(event: 'end', listener: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

/** The answer to it. Writing after its end throws. */
export interface ClientResponse {
  readonly headersSent: boolean;
  /** Trailers can still be distinguished from the body. */
  readonly chunkedEncoding: boolean;
  shouldKeepAlive: boolean;
  writeHead(status: number, fields: string[]): unknown;
  writeHead(status: number, reason: string, fields: string[]): unknown;
  flushHeaders(): void;
  /** False: `drain` follows. */
  write(chunk: Buffer): boolean;
  /** Writes bytes that stay as they are until this has returned true, or `drain` came. */
  lend?(chunk: Buffer): boolean;
  end(): unknown;
  end(chunk: Buffer | string): unknown;
  end(chunk: string, encoding: 'latin1'): unknown;
  addTrailers(trailers: [string, string][]): void;
  writeContinue(): void;
  /** 1xx, neither 100 nor 101. */
  writeInformation(status: number, fields: string[]): void;
  on(event: 'drain', listener: () => void): unknown;
}
