// Where something listens, and how that is written.

import type { HostPort } from '../core/domain.ts';

/** Where a connection goes, and what is spoken there. */
export interface Endpoint extends HostPort {
  /** `h2c`: HTTP/2 in cleartext. */
  readonly scheme: 'http' | 'https' | 'h2c';
  readonly labels: Readonly<Record<string, string>>;
}

/** Where a node's network distance can be measured. */
export interface ProbeTarget {
  /** Its qedge, which answers `GET /-/ping`; null when it runs none. */
  readonly ping: HostPort | null;
  /** Instances to time a TCP connect to when there is no qedge; a few at the most. */
  readonly connect: readonly HostPort[];
}

/** `10.0.0.7:9000`, `[fd00::7]:9000`. A zone (`fe80::7%eth0`) means something on this machine alone and is left out. */
export function authorityOf({ host, port }: HostPort): string {
  return `${host.includes(':') ? `[${host.replace(/%.*/, '')}]` : host}:${port}`;
}
