// Authorities as Host, :authority and absolute targets have them: a name or an address, and maybe a port. Stricter than RFC 3986
// section 3.2.2: a comma, semicolon, quote or escape in a name reads differently in a list, in Forwarded, in a log, and no name
// that can be resolved has one.

import { isIPv6 } from 'node:net';
import { remembered } from './remembered.ts';

const NAME = /^[\w.~-]+$/;
const NAME_AND_PORT = /^[\w.~-]+:(\d{0,5})$/;
const ADDRESS = /^\[([\da-fA-F:.]+)\](?::(\d{0,5}))?$/;
const PORT_MAX = 65_535;

/** Whether every reader takes `text` for the same host and port. Empty text is no authority. */
export const isAuthority = remembered((text: string): boolean => {
  if (NAME.test(text)) return true;
  const named = NAME_AND_PORT.exec(text);
  if (named !== null) return Number(named[1]) <= PORT_MAX;
  const [, address = '', port = ''] = ADDRESS.exec(text) ?? [];
  return isIPv6(address) && Number(port) <= PORT_MAX;
});
