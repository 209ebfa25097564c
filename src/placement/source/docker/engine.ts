// The API of a container engine (Docker, Podman) over its local socket, as far as it is only read: which containers run, and that
// something changed. An answer has a size and a time; of an event nothing is read but that there was one.

import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { parseBoundedJson } from '../../../core/bounded-json.ts';

/** Largest list that is read: a thousand containers with labels. */
const LIST_BYTES_MAX = 2 * 1024 * 1024;
const ANSWER_MS_MAX = 5_000;
/** What may change where a container is, or whether it is well; what its health check does every few seconds is not among them. */
const EVENTS = ['start', 'die', 'stop', 'pause', 'unpause', 'destroy', 'rename', 'update', 'health_status'];
/** Containers that carry this label are meant. */
export const SERVICE_LABEL = 'qedge.service';

/** @throws Error that says why the engine could not be asked */
export async function listContainers(socketPath: string): Promise<readonly unknown[]> {
  const filters = { label: [SERVICE_LABEL], status: ['running'] };
  const response = await get(socketPath, `/containers/json?filters=${encodeURIComponent(JSON.stringify(filters))}`);
  const list = parseBoundedJson((await readBody(response)).toString());
  if (!Array.isArray(list)) throw new Error('the engine answers no list of containers');
  return list;
}

export interface Events {
  /** They begin, or one came. */
  readonly onEvent: () => void;
  /** They ended; nothing comes any more. */
  readonly onEnd: (reason: string) => void;
}

/** Follows what happens to containers, until the function that is returned is called. */
export function followEvents(socketPath: string, { onEvent, onEnd }: Events): () => void {
  const filters = { type: ['container'], label: [SERVICE_LABEL], event: EVENTS };
  const asked = ask(socketPath, `/events?filters=${encodeURIComponent(JSON.stringify(filters))}`);
  let [left, reason] = [false, 'the engine ended its events'];
  const fail = (error: Error): void => {
    reason = error.message;
  };
  asked.on('response', (response) => {
    response.on('error', fail);
    if (response.statusCode !== 200) asked.destroy(new Error(`the engine answers ${response.statusCode}`));
    else {
      onEvent();
      response.on('data', onEvent);
      response.on('end', () => asked.destroy());
    }
  });
  asked.on('error', fail);
  asked.on('close', () => {
    if (!left) onEnd(reason);
  });
  return () => {
    left = true;
    asked.destroy();
  };
}

function ask(socketPath: string, path: string): ClientRequest {
  return request({ socketPath, path, headers: { host: 'localhost' }, agent: false }).end();
}

/** Resolves when an answer begins. */
function get(socketPath: string, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = ask(socketPath, path);
    const deadline = setTimeout(() => asked.destroy(new Error('no answer in time')), ANSWER_MS_MAX);
    asked.on('response', (response) => {
      clearTimeout(deadline);
      if (response.statusCode === 200) resolve(response);
      else asked.destroy(new Error(`the engine answers ${response.statusCode}`));
    });
    asked.on('error', (error) => {
      clearTimeout(deadline);
      reject(error);
    });
  });
}

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const deadline = setTimeout(() => response.destroy(new Error('no answer in time')), ANSWER_MS_MAX);
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of response) {
      pieces.push(piece as Buffer);
      length += (piece as Buffer).length;
      if (length > LIST_BYTES_MAX) throw new Error(`the engine answers more than ${LIST_BYTES_MAX} bytes`);
    }
  } finally {
    clearTimeout(deadline);
    response.destroy();
  }
  return Buffer.concat(pieces);
}
