// One request to an endpoint over a connection that is open already, and what it answers, in HTTP/1.1 or HTTP/2. For
// questions of our own, whose answers are small; what clients send travels in `proxy`. Node's clients suffice: undici would cost a node
// that checks health 19 MB, and hold its event loop for a tenth of a second and more when it is loaded.

import { request as requestHttp1 } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';

export interface AskRequest {
  readonly method: 'GET' | 'POST';
  /** `host:port`. */
  readonly authority: string;
  readonly path: string;
  /** Lower-case names. */
  readonly fields: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
  /** The reply counts as whole with its head: what follows is not waited for. */
  readonly headOnly: boolean;
}

export interface Reply {
  readonly status: number;
  /** The fields of the head and of the trailers, which come after it; lower-case names. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Its beginning, up to 4 KiB. */
  readonly body: Buffer;
}

/** Calls back exactly once. `cancel` of what is returned ends it without a word; the socket is destroyed either way. */
export type Ask = (
  socket: Socket,
  request: AskRequest,
  done: (error: Error | null, reply: Reply | null) => void,
) => { readonly cancel: () => void };

/** A reply longer than this is cut off: nothing that is asked here needs more. */
const BODY_BYTES_MAX = 4096;
const NO_BODY = Buffer.alloc(0);
/** Answers before the answer (1xx): more are a flood. */
const INTERIM_MAX = 32;

export const askHttp1: Ask = (socket, { method, authority, path, fields, body, headOnly }, done) => {
  const call = once(() => socket.destroy(), done);
  const outgoing = requestHttp1({
    createConnection: () => socket,
    method,
    path,
    headers: { host: authority, connection: 'close', ...fields },
  });
  outgoing.on('error', call.fail);
  let interim = 0;
  outgoing.on('information', () => {
    if (++interim > INTERIM_MAX) call.fail(new Error(`more than ${INTERIM_MAX} answers of 1xx`));
  });
  outgoing.once('response', (incoming) => {
    const status = incoming.statusCode ?? 0;
    incoming.on('error', call.fail);
    if (headOnly) call.reply({ status, fields: incoming.headers, body: NO_BODY });
    else {
      collect(incoming, (text) => {
        call.reply({ status, fields: { ...incoming.headers, ...incoming.trailers }, body: text });
      });
    }
  });
  outgoing.end(body ?? undefined);
  return call;
};

export const askHttp2: Ask = (socket, { method, authority, path, fields, body, headOnly }, done) => {
  const session = connectHttp2(`http://${authority}`, { createConnection: () => socket });
  const call = once(() => session.destroy(), done);
  session.on('error', call.fail);
  // Without an error it ends like this where the endpoint does not speak HTTP/2 at all.
  session.once('close', () => call.fail(new Error('the connection was closed')));
  const stream = session.request(
    { ':method': method, ':path': path, ':authority': authority, ...fields },
    { endStream: body === null },
  );
  let status = 0;
  let heard: Reply['fields'] = {};
  stream.on('error', call.fail);
  stream.once('response', (head) => {
    status = Number(head[':status']);
    heard = head;
    if (headOnly) call.reply({ status, fields: heard, body: NO_BODY });
  });
  stream.on('trailers', (trailers) => {
    heard = { ...heard, ...trailers };
  });
  collect(stream, (text) => {
    if (stream.rstCode === 0) call.reply({ status, fields: heard, body: text });
    else call.fail(new Error(`the stream was reset with code ${stream.rstCode}`));
  });
  if (body !== null) stream.end(body);
  return call;
};

interface Readable {
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  once(event: 'end', listener: () => void): unknown;
}

function collect(readable: Readable, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  readable.on('data', (chunk) => {
    if (bytes >= BODY_BYTES_MAX) return;
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= BODY_BYTES_MAX) done(Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX));
  });
  readable.once('end', () => {
    if (bytes < BODY_BYTES_MAX) done(Buffer.concat(chunks));
  });
}

/** The first event decides; errors that follow are of no interest. */
function once(end: () => void, done: (error: Error | null, reply: Reply | null) => void) {
  let over = false;
  const finish = (error: Error | null, reply: Reply | null): void => {
    if (over) return;
    over = true;
    end();
    done(error, reply);
  };
  return {
    fail: (error: Error) => finish(error, null),
    reply: (reply: Reply) => finish(null, reply),
    cancel: () => {
      over = true;
      end();
    },
  };
}
