// One short question to an admin port, for commands that are run again and again: it loads no HTTP client (undici takes as
// long as the rest of such a command).

import { get, type IncomingMessage } from 'node:http';
import { get as getSecurely } from 'node:https';
import { addressBook } from '../net/address-book.ts';
import { trustSystem } from '../net/tls.ts';
import type { AdminAddress } from './admin-address.ts';

/** The whole answer, as text. */
export interface BriefAnswer {
  readonly status: number;
  readonly text: string;
}

/** Rejects when the whole answer is not there after `timeoutMs`. */
export async function briefRequest(
  { url, token }: AdminAddress,
  path: string,
  timeoutMs: number,
): Promise<BriefAnswer> {
  const secure = url.startsWith('https:');
  if (secure) trustSystem();
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const options = { headers, agent: false, lookup: addressBook.lookup, signal: AbortSignal.timeout(timeoutMs) };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    (secure ? getSecurely : get)(`${url}${path}`, options, resolve).once('error', reject);
  });
  let text = '';
  response.setEncoding('utf8');
  for await (const piece of response) text += piece;
  return { status: response.statusCode ?? 0, text };
}
