// How commands ask a running qedge: over its admin port, found through the configuration or named outright.

import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { Agent, Response } from 'undici';
import type { ListenAddress } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { CommandError, EX_USAGE } from '../errors.ts';
import { addressBook, UNRESOLVED } from '../net/address-book.ts';
import { trustSystem } from '../net/tls.ts';
import { undici } from '../packages.ts';

/** How the command line says where the admin port is. */
export interface AdminClientOptions {
  readonly config?: string;
  readonly url?: string;
}

/** Where `qedge run` and `qedge demo` listen by default. */
const URL_DEFAULT = 'http://127.0.0.1:9901';
const CONFIG_DEFAULT = 'qedge.toml';
const ANSWER_TIMEOUT_MS = 5_000;

/** Gives a command the options that say which qedge it asks. */
export function withAdminOptions(command: Command): Command {
  return command
    .addOption(
      new Option('-c, --config <file>', `configuration of the qedge to ask (default: ${CONFIG_DEFAULT}, if there)`),
    )
    .addOption(
      new Option('--url <url>', `its admin port (default: ${URL_DEFAULT}); a token comes from QEDGE_ADMIN_TOKEN`),
    );
}

/** Asks the admin port. Throws `CommandError` for no answer and for every status but 2xx. */
export class AdminClient {
  readonly url: string;
  readonly #token: string | null;
  /** Its own: no proxy of the environment stands in between, and `localhost` needs no hosts file. */
  readonly #agent: Agent = new (undici().Agent)({ connect: { lookup: addressBook.lookup } });

  /** @throws ConfigError for a configuration with mistakes, CommandError for an address that is none */
  constructor(options: AdminClientOptions) {
    const { url, token } = locate(options);
    this.url = url.replace(/\/$/, '');
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
        `no qedge answers at ${this.url}: ${reasonOf(error)} (-c or --url say which one to ask)`,
        1,
        error,
      );
    }
  }
}

function locate({ url, config }: AdminClientOptions): { url: string; token: string | null } {
  const token = process.env.QEDGE_ADMIN_TOKEN ?? null;
  if (url !== undefined) return { url: givenUrl(url), token };
  const file = config ?? (existsSync(CONFIG_DEFAULT) ? CONFIG_DEFAULT : null);
  if (file === null) return { url: URL_DEFAULT, token };
  const { admin } = loadConfig(file);
  return { url: urlOf(admin.listen), token: token ?? admin.token };
}

/** `--url` as an address; without a scheme it is taken for http. */
function givenUrl(text: string): string {
  const url = text.includes('://') ? text : `http://${text}`;
  if (/^https?:/.test(url) && URL.canParse(url)) return url;
  throw new CommandError(`--url: expected an address such as ${URL_DEFAULT}, got "${text}"`, EX_USAGE);
}

/** A listener on every address is asked on this machine's own. */
function urlOf({ host, port }: ListenAddress): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

async function detailOf(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => null);
  const detail =
    typeof body === 'object' && body !== null && 'detail' in body ? String(body.detail) : response.statusText;
  return response.status === 401 ? `${detail} (set QEDGE_ADMIN_TOKEN, or -c with the token in it)` : detail;
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : null;
  if (code === 'ECONNREFUSED') return 'connection refused';
  if (code === UNRESOLVED || code === 'EAI_AGAIN') return 'the name has no address';
  return cause instanceof Error ? cause.message : String(cause);
}
