// Raw fields as HTTP/2 takes them: lower case, repeated ones in a list, nothing that is about the connection
// (RFC 9113 section 8.2.2).

/** Fields about a connection, which HTTP/2 does not have, and Host, for which it has a field of its own; in lower case. */
export const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** Raw fields as node:http2 takes them: lower case, repeated ones as lists. */
export function http2Fields(raw: readonly string[]): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = Object.create(null);
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase();
    const value = raw[i + 1] ?? '';
    if (CONNECTION_SPECIFIC.has(name)) continue;
    const before = fields[name];
    if (before === undefined) fields[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else fields[name] = [before, value];
  }
  return fields;
}

/** The same from HTTP/2: without pseudo-header fields. */
export function withoutPseudo(raw: readonly string[]): string[] {
  const fields: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    if (!name.startsWith(':')) fields.push(name, raw[i + 1] ?? '');
  }
  return fields;
}
