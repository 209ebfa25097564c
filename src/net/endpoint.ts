// Where something listens, and how that is written.

/** Where a TCP connection goes. */
export interface Endpoint {
  /** `h2c`: HTTP/2 in cleartext. */
  readonly scheme: 'http' | 'https' | 'h2c';
  readonly host: string;
  readonly port: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** `10.0.0.7:9000`, `[fd00::7]:9000`. A zone (`fe80::7%eth0`) means something on this machine alone and is left out. */
export function authorityOf({ host, port }: Pick<Endpoint, 'host' | 'port'>): string {
  return `${host.includes(':') ? `[${host.replace(/%.*/, '')}]` : host}:${port}`;
}
