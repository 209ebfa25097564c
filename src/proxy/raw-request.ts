// A request of node:http that does not put its fields together into an object: here they are read from the raw array, and
// node itself only looks for two of them.

import { IncomingMessage } from 'node:http';

export class RawRequest extends IncomingMessage {}

const NONE: Readonly<Record<string, string>> = Object.freeze({});

/** Only Expect and Upgrade are there. */
Object.defineProperty(RawRequest.prototype, 'headers', {
  get(this: RawRequest): Readonly<Record<string, string>> {
    const { rawHeaders } = this;
    let found: Record<string, string> | null = null;
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] ?? '';
      if (name.length !== 6 && name.length !== 7) continue;
      const lower = name.toLowerCase();
      if (lower !== 'expect' && lower !== 'upgrade') continue;
      found ??= {};
      found[lower] ??= rawHeaders[i + 1] ?? '';
    }
    return found ?? NONE;
  },
});
