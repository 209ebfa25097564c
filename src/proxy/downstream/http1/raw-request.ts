// A request of node:http that does not put its fields together into an object: here they are read from the raw array, and
// node itself only looks for a few of them.

import { IncomingMessage } from 'node:http';

/** What node's server looks for: a body to come, an expectation, a protocol to switch to. */
const LOOKED_FOR: ReadonlySet<string> = new Set(['content-length', 'expect', 'transfer-encoding', 'upgrade']);
const LENGTHS = new Set([...LOOKED_FOR].map((name) => name.length));
const NONE: Readonly<Record<string, string>> = Object.freeze({});

/** node's request without the objects of fields that are never read. */
export class RawRequest extends IncomingMessage {
  looked: Readonly<Record<string, string>> | null = null;
}

Object.defineProperty(RawRequest.prototype, 'headers', {
  get(this: RawRequest): Readonly<Record<string, string>> {
    this.looked ??= lookFor(this.rawHeaders);
    return this.looked;
  },
});

function lookFor(rawHeaders: readonly string[]): Readonly<Record<string, string>> {
  let found: Record<string, string> | null = null;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (!LENGTHS.has(name.length)) continue;
    const lower = name.toLowerCase();
    if (!LOOKED_FOR.has(lower)) continue;
    found ??= {};
    found[lower] ??= rawHeaders[i + 1] ?? '';
  }
  return found ?? NONE;
}
