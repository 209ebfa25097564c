// The kinds of value that the config is made of: durations, sizes, addresses, networks, names. Each says what it expects.

import { isIP } from 'node:net';
import * as z from 'zod';
import type { HostPort, Scheme } from '../core/domain.ts';

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Node's timers hold at most this much; anything longer would fire at once. */
const DURATION_MS_MAX = 2 ** 31 - 1;

/** `"80ms"`, `"1.5s"`, `"1h"` → milliseconds. Zero only where `zero` says that it means something. */
export function duration(options: { readonly zero?: boolean } = {}): z.ZodType<number, string> {
  return parsed('expected a duration such as "80ms"', (text) => {
    const match = /^(\d+(?:\.\d+)?)(us|ms|s|m|h|d)$/.exec(text);
    const ms = Number(match?.[1]) * (MS_PER_UNIT[match?.[2] ?? ''] ?? Number.NaN);
    if (ms === 0 && options.zero !== true) return new OutOfBounds('expected more than 0');
    if (ms > DURATION_MS_MAX) return new OutOfBounds('expected at most 24 days');
    return ms >= 0 ? ms : null;
  });
}

const BYTES_PER_UNIT: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** `"512B"`, `"64KiB"`, `"2MiB"`, `"1GiB"` → bytes. */
export function size(options: { readonly zero?: boolean } = {}): z.ZodType<number, string> {
  return parsed('expected a size such as "64KiB"', (text) => {
    const match = /^(\d+)(B|KiB|MiB|GiB)$/.exec(text);
    const bytes = Number(match?.[1]) * (BYTES_PER_UNIT[match?.[2] ?? ''] ?? Number.NaN);
    if (bytes === 0 && options.zero !== true) return new OutOfBounds('expected more than 0');
    return Number.isSafeInteger(bytes) ? bytes : null;
  });
}

/** `"127.0.0.1:8080"`, `"[::1]:8080"`, `"localhost:0"`; port 0 lets the system choose. */
export const listenAddress: z.ZodType<HostPort, string> = parsed(
  'expected an address and port such as "127.0.0.1:8080"',
  (text) => parseHostPort(text, { portMin: 0 }),
);

/** `"10.0.0.0/8"`, `"fd00::/8"`; a bare address is a network of one. Always returned with its prefix length. */
export const cidr: z.ZodType<string, string> = parsed('expected a network such as "10.0.0.0/8"', (text) => {
  const [address = '', prefix, ...rest] = text.split('/');
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  if (bits < 0 || rest.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) return null;
  const length = prefix === undefined ? bits : Number(prefix);
  return length <= bits ? `${address}/${length}` : null;
});

/** Where an instance is, as its URL says. */
export interface InstanceAddress extends HostPort {
  readonly scheme: Scheme;
}

/** `"http://10.0.0.7:9000"`, `"https://…"`, `"h2c://…"`; without a scheme it is http, without a port that of its scheme. */
export const instanceUrl: z.ZodType<InstanceAddress, string> = parsed(
  'expected an address such as "http://10.0.0.7:9000"',
  (text) => {
    const match = /^(?:(https?|h2c):\/\/)?([^/?#@]+)\/?$/.exec(text);
    const [, scheme, authority = ''] = match ?? [];
    const port = scheme === undefined ? '' : scheme === 'https' ? ':443' : ':80';
    const address = parseHostPort(/:\d+$/.test(authority.replace(/^\[.*\]/, '')) ? authority : `${authority}${port}`, {
      portMin: 1,
    });
    return address === null ? null : { scheme: (scheme ?? 'http') as Scheme, ...address };
  },
);

/** A host on its own: an IP address or a DNS name. */
export const host: z.ZodType<string, string> = parsed('expected a host such as "10.0.0.7" or "pi-7.local"', parseHost);

/**
 * A name, and a part of a host name. It stands beside the expressions: within one, V8 would write the class out as often as
 * it may repeat, which takes a millisecond at every start.
 */
const LABEL_LENGTH_MAX = 63;
const FIELD_NAME_LENGTH_MAX = 128;

/** Becomes a level of an MQTT topic and part of header values: no `/`, `+`, `#`, spaces or controls. */
export const name: z.ZodType<string, string> = parsed(
  'expected a name of letters, digits, ".", "_" and "-" that begins with a letter or digit, at most 63 long',
  (text) => (text.length <= LABEL_LENGTH_MAX && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text) ? text : null),
);

/** RFC 9110 §5.1: a field name is a token. */
export const fieldName: z.ZodType<string, string> = parsed('expected a header name such as "X-Client-Id"', (text) =>
  text.length <= FIELD_NAME_LENGTH_MAX && /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(text) ? text : null,
);

/** A password or token; never shown. An empty one is a slip: a variable that was not filled in. */
export const secret = z.string().min(1);

/** In [0, 1]. */
export const ratio = z.number().min(0).max(1);

/** Above 0, at most 1. */
export const positiveRatio = z.number().gt(0).max(1);

/** Labels of a node or an instance: text by name. */
export const labels = z.record(z.string().min(1), z.string());

/** A count with a floor; `max` guards against slips such as a port in the wrong place. */
export const count = (min: number, max = 1_000_000): z.ZodInt => z.int().min(min).max(max);

/** Of the right kind, but too small or too large: what is expected in place of the kind. */
class OutOfBounds {
  readonly expectation: string;

  constructor(expectation: string) {
    this.expectation = expectation;
  }
}

/** A string that `parse` turns into a value, or null when it is not of the kind. The kind is what is said to be expected. */
export function parsed<T>(expectation: string, parse: (text: string) => T | OutOfBounds | null): z.ZodType<T, string> {
  const title = /^expected an? (?:Ed25519 )?([^:,]+?)(?: such as| of |:|,|$)/.exec(expectation)?.[1] ?? 'string';
  return z
    .string({ error: expectation })
    .meta({ title })
    .transform((text, context) => {
      const value = parse(text);
      const isBound = value instanceof OutOfBounds;
      if (value !== null && !isBound) return value;
      context.issues.push({ code: 'custom', message: isBound ? value.expectation : expectation, input: text });
      return z.NEVER;
    });
}

/** The host of a URL; an address of IPv6 stands in brackets there, and without them here. */
export function hostOfUrl(url: string): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
}

function parseHostPort(text: string, options: { readonly portMin: number }): HostPort | null {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const port = Number(match[3]);
  const name = match[1] === undefined ? parseHost(match[2] ?? '') : isIP(match[1]) === 6 ? match[1] : null;
  return name !== null && port >= options.portMin && port <= 65_535 ? { host: name, port } : null;
}

/** RFC 1123 §2.1 host names; what is only digits and dots must be an IPv4 address, so that a slip is not looked up as a name. */
function parseHost(text: string): string | null {
  if (isIP(text) !== 0) return text;
  if (/^[\d.]+$/.test(text) || text.length > 253) return null;
  // The dot of the root may stand behind a name.
  const labels = (text.endsWith('.') ? text.slice(0, -1) : text).split('.');
  return labels.every(isHostLabel) ? text : null;
}

const isHostLabel = (label: string): boolean =>
  label.length <= LABEL_LENGTH_MAX && /^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?$/.test(label);
