// Where the admin port of a running qedge is: named outright, read from its configuration, or where it is by default.

import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { ListenAddress } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { CommandError, EX_USAGE } from '../errors.ts';

/** How the command line says where the admin port is. */
export interface AdminClientOptions {
  readonly config?: string;
  readonly url?: string;
}

/** Where `qedge run` and `qedge demo` listen by default. */
const URL_DEFAULT = 'http://127.0.0.1:9901';
const CONFIG_DEFAULT = 'qedge.toml';

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

/** An admin port, and what opens it. */
export interface AdminAddress {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string | null;
}

/** @throws ConfigError for a configuration with mistakes, CommandError for an address that is none */
export function adminAddress({ url, config }: AdminClientOptions): AdminAddress {
  const token = process.env.QEDGE_ADMIN_TOKEN ?? null;
  if (url !== undefined) return { url: givenUrl(url).replace(/\/$/, ''), token };
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
