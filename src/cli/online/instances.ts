// Instances that the configuration names, each asked once: by its health check where it has one, else by a connection.

import type { TLSSocket } from 'node:tls';
import type { Config } from '../../config/config.ts';
import { addressBook } from '../../net/address-book.ts';
import { openConnection } from '../../net/connect.ts';
import { authorityOf, type Endpoint } from '../../net/endpoint.ts';
import { checkHealth, type HealthCheck } from '../../net/health/health-check.ts';
import { clientTls } from '../../net/tls.ts';
import { judgeValidity } from './certificates.ts';
import { bad, type Finding, good, reasonOf } from './finding.ts';

const CONNECT_MS_MAX = 3_000;

interface Asked {
  readonly service: string;
  readonly endpoint: Endpoint;
  readonly health: HealthCheck | null;
  readonly caFile: string | null;
}

export function instanceFindings({ services, announce }: Config): Promise<Finding>[] {
  const own = announce.map((one): Asked => ({ ...one, endpoint: one }));
  const listed = services.flatMap(({ name: service, health, caFile, instances }) =>
    instances.map((endpoint): Asked => ({ service, endpoint, health, caFile })),
  );
  return [...listed, ...own].map(ask);
}

async function ask({ service, endpoint, health, caFile }: Asked): Promise<Finding> {
  const subject = `instance of ${service} ${endpoint.scheme}://${authorityOf(endpoint)}`;
  const unresolved = await addressBook.addressesOf(endpoint.host).then(() => null, reasonOf);
  if (unresolved !== null) return bad(subject, unresolved);
  const tls = clientTls(caFile);
  const failure = health === null ? null : await checkHealth(endpoint, health, tls);
  if (failure) return bad(subject, `fails its health check: ${failure}`);
  const startMs = performance.now();
  return new Promise((resolve) => {
    openConnection(endpoint, { timeoutMs: CONNECT_MS_MAX, tls, protocols: [], into: null }, (error, socket) => {
      const tookMs = Math.round(performance.now() - startMs);
      if (socket === null) {
        resolve(bad(subject, error?.message ?? 'no connection'));
        return;
      }
      const shown = endpoint.scheme === 'https' ? (socket as TLSSocket).getPeerX509Certificate() : undefined;
      socket.destroy();
      const validity = shown === undefined ? null : judgeValidity(subject, shown, Date.now());
      resolve(validity?.ok === false ? validity : good(subject, `takes a connection in ${tookMs} ms`));
    });
  });
}
