// A connection to an instance that speaks HTTP/2, as its pool and its streams see it.

import type { ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';

/** One connection, and what has to be known of it to put another request on it. */
export interface Http2Connection {
  readonly session: ClientHttp2Session;
  streams: number;
  /** Its peer has sent SETTINGS. */
  ready: boolean;
  /** A ping is under way. */
  pinged: boolean;
  /** It has to answer a ping before it carries another request. */
  doubted: boolean;
  readonly socket: Socket;
  /** Bytes that had come when they were last looked at, and when more of them were seen last. */
  heardBytes: number;
  heardMs: number;
  /** When it last began to have streams. */
  busySinceMs: number;
  /** The last stream that the peer looks at; +Infinity before it says GOAWAY. */
  lastStreamId: number;
}
