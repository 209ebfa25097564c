// Could these files be used? Asked before anything is changed, or taken from a process that serves.

import type { Config } from '../config/config.ts';
import { CommandError } from '../errors.ts';
import { clientTls } from '../net/tls.ts';
import { readDownstreamTls } from './downstream/tls.ts';

/** @throws CommandError that names the file which cannot be read or used */
export function proveTls({ proxy, services }: Pick<Config, 'proxy' | 'services'>): void {
  if (proxy.tls !== null) readDownstreamTls(proxy.tls);
  for (const { name, caFile } of services) {
    try {
      clientTls(caFile);
    } catch (error) {
      throw new CommandError(`service ${name}: ca: ${caFile}: ${(error as Error).message}`, 1, error);
    }
  }
}
