// Which service a request is for: the listener it came in on, else the service header, else the first label of Host.

import { ProxyError } from '../../../errors.ts';
import type { RequestHead } from '../../fields/request-head.ts';

/** Services by their names in lower case: host names mean the same in either (RFC 9110 section 4.2.3). */
export type ServiceTable<Service> = ReadonlyMap<string, Service>;

/** `ofListener`: the service that the listener belongs to, null on the shared port. Throws `ProxyError` `unknown-service`. */
export function matchService<Service>(
  head: RequestHead,
  services: ServiceTable<Service>,
  serviceHeader: string,
): Service {
  const name = head.service ?? firstLabel(head.host);
  const service = services.get(name.toLowerCase());
  if (service === undefined) throw unknownService(head, serviceHeader);
  return service;
}

function firstLabel(host: string | null): string {
  if (host === null) return '';
  for (let i = 0; i < host.length; i++) {
    const code = host.charCodeAt(i);
    if (code === DOT || code === COLON) return host.slice(0, i);
  }
  return host;
}

const DOT = 46;
const COLON = 58;

function unknownService(head: RequestHead, serviceHeader: string): ProxyError {
  const asked =
    head.service === null
      ? `no service is named by Host ${JSON.stringify(head.host ?? '')}`
      : `no service is called ${JSON.stringify(head.service)}`;
  return new ProxyError(
    'unknown-service',
    `${asked}; name one with the header ${serviceHeader}, as the first label of Host, or use the service's own port`,
    { source: 'downstream' },
  );
}
