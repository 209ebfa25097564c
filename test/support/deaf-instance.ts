// An instance of HTTP/2 at which nobody is: what it says, and when it hangs up, is for the test to say.

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { forwardHttp2 } from '../../src/proxy/upstream/http2/forward.ts';
import { Http2Sessions } from '../../src/proxy/upstream/http2/sessions.ts';
import type { UpstreamCall, UpstreamHandler } from '../../src/proxy/upstream/upstream.ts';

/** The end of a connection. */
class DeafSocket extends Duplex {
  readonly bytesRead = 0;
  readonly #deaf: boolean;

  constructor(deaf: boolean) {
    super();
    this.#deaf = deaf;
  }

  /** For the test to fire. */
  setTimeout(_ms: number, onTimeout?: () => void): this {
    return onTimeout === undefined ? this : this.once('timeout', onTimeout);
  }
  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    if (!this.#deaf) done();
  }
}

export interface DeafInstance {
  /** Its connections so far, the last one last. */
  readonly sockets: readonly DeafSocket[];
  /** What the last connection brings; overwritten behind it, as by a read of another one. */
  receive(bytes: Buffer): void;
  /** Sends a GET. */
  ask(handler: Partial<UpstreamHandler>): UpstreamCall;
}

/** `reads`: it takes what it is sent. */
export function deafInstance(reads = true): DeafInstance {
  const sockets: DeafSocket[] = [];
  let receive = (_bytes: Buffer): void => {};
  const sessions = new Http2Sessions({
    secure: false,
    connectionsMax: 1,
    settingsMsMax: 1000,
    nowMs: () => performance.now(),
    latencyMs: 1000,
    onOpen: () => {},
    onClose: () => {},
    open: (into, done) => {
      receive = (bytes) => {
        if (into === null || typeof into.buffer === 'function') throw new Error('no shared buffer');
        bytes.copy(into.buffer);
        into.callback(bytes.length, into.buffer);
        into.buffer.fill(0x3f, 0, bytes.length);
      };
      const socket = new DeafSocket(!reads);
      sockets.push(socket);
      done(null, Object.assign(socket, { destroySoon: () => socket.end(() => socket.destroy()) }) as unknown as Socket);
    },
  });
  const framing = { contentLength: null, trailer: null, expect: null, upgrade: null };
  const request = { method: 'GET', target: '/', fields: ['Host', 'cam'] };
  const nothing = (): void => {};
  const deaf: UpstreamHandler = {
    onConnected: nothing,
    onInformation: nothing,
    onHead: nothing,
    onUpgrade: nothing,
    onData: nothing,
    onEnd: nothing,
    onError: nothing,
  };
  return {
    sockets,
    receive: (bytes) => receive(bytes),
    ask: (handler) =>
      forwardHttp2(
        { sessions, scheme: 'http' },
        { request, framing, body: null, again: false },
        { ...deaf, ...handler },
      ),
  };
}
