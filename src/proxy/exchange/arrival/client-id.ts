// Which client a request counts for in the QoS account. It grants nothing, so it is taken on trust.

/** Longer names are cut: the account is bounded in bytes too. */
export const CLIENT_ID_CHARS_MAX = 128;

/** `fromHeader`: value of the configured client header, null without one. */
export function clientIdOf(fromHeader: string | null, remoteAddress: string): string {
  if (fromHeader === null || fromHeader === '') return remoteAddress;
  return fromHeader.length <= CLIENT_ID_CHARS_MAX ? fromHeader : fromHeader.slice(0, CLIENT_ID_CHARS_MAX);
}
