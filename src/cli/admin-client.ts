// How commands ask a running qedge, over its admin port.

import type { Agent, Response } from 'undici';
import { CommandError } from '../errors.ts';
import { addressBook } from '../net/address-book.ts';
import { trustSystem } from '../net/tls.ts';
import { undici } from '../packages.ts';
import { type AdminClientOptions, adminAddress } from './admin-address.ts';
import { noAnswerReason } from './no-answer.ts';

const ANSWER_TIMEOUT_MS = 5_000;

/** Asks the admin port. Throws `CommandError` for no answer and for every status but 2xx. */
export class AdminClient {
  readonly url: string;
  readonly #token: string | null;
  /** Its own: no proxy of the environment stands in between, and `localhost` needs no hosts file. */
  readonly #agent: Agent = new (undici().Agent)({
    connect: { lookup: addressBook.lookup },
    headersTimeout: ANSWER_TIMEOUT_MS,
    // A stream may say nothing for as long as there is nothing to say.
    bodyTimeout: 0,
  });

  /** @throws ConfigError for a configuration with mistakes, CommandError for an address that is none */
  constructor(options: AdminClientOptions) {
    const { url, token } = adminAddress(options);
    this.url = url;
    if (this.url.startsWith('https:')) trustSystem();
    this.#token = token;
  }

  /** @throws CommandError that says why there is no answer */
  async get<Answer>(path: string): Promise<Answer> {
    const response = await this.#fetch(path);
    if (response.ok) return (await response.json()) as Answer;
    throw await this.#refusal(response);
  }

  /** @throws CommandError that says why there is no answer */
  async stream(path: string): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#fetch(path, null);
    if (response.ok && response.body !== null) return response.body;
    throw await this.#refusal(response);
  }

  async #refusal(response: Response): Promise<CommandError> {
    if (response.status === 401 && this.#token !== null) {
      return new CommandError(`${this.url}: the token sent is not its admin.token`);
    }
    return new CommandError(`${this.url}: ${await detailOf(response)}`);
  }

  async #fetch(path: string, timeoutMs: number | null = ANSWER_TIMEOUT_MS): Promise<Response> {
    const headers = this.#token === null ? {} : { authorization: `Bearer ${this.#token}` };
    try {
      const signal = timeoutMs === null ? null : AbortSignal.timeout(timeoutMs);
      return await undici().fetch(`${this.url}${path}`, { headers, signal, dispatcher: this.#agent });
    } catch (error) {
      throw new CommandError(
        `no qedge answers at ${this.url}: ${noAnswerReason(error)} (-c or --url say which one to ask)`,
        1,
        error,
      );
    }
  }
}

async function detailOf(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => null);
  const detail =
    typeof body === 'object' && body !== null && 'detail' in body ? String(body.detail) : response.statusText;
  return response.status === 401 ? `${detail} (set QEDGE_ADMIN_TOKEN, or -c with the token in it)` : detail;
}
