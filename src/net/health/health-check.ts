// One health check of one endpoint: does it take a connection, and what does it say of itself? For services that watch
// their instances and for nodes that announce theirs.

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { NO_GRPC_STATUS } from '../../core/verdict/grpc.ts';
import { healthFailure } from '../../core/verdict/health.ts';
import { isFailureVerdict } from '../../core/verdict/verdict.ts';
import { openConnection } from '../connect.ts';
import { authorityOf, type Endpoint } from '../endpoint.ts';
import { isExhaustion } from '../exhaustion.ts';
import type { ClientTls } from '../tls.ts';
import { type Ask, type AskRequest, askHttp1, askHttp2, type Reply } from './ask.ts';
import { grpcHealthFailure, grpcHealthRequest } from './grpc-health.ts';

/** One kind of check with its settings; times in ms. */
export type HealthCheck = (
  | { readonly kind: 'tcp' }
  /** A GET that is answered with 2xx or 3xx. */
  | { readonly kind: 'http'; readonly path: string }
  /** `grpc.health.v1.Health/Check`; `service` empty: the endpoint as a whole. */
  | { readonly kind: 'grpc'; readonly service: string }
  /** The readiness of the Open Inference Protocol (KServe v2) over HTTP; `model` empty: of the server. */
  | { readonly kind: 'kserve'; readonly model: string }
) & {
  /** Limit of connecting, asking and answering together. */
  readonly timeoutMs: number;
};

/**
 * Null when it is well, else why not; undefined when it cannot be known, for want of a resource of this machine. Never rejects, and takes no
 * longer than the timeout of the check.
 */
export function checkHealth(
  endpoint: Endpoint,
  check: HealthCheck,
  tls: ClientTls,
): Promise<string | null | undefined> {
  const startMs = performance.now();
  const { timeoutMs } = check;
  // A peer that is only connected to need not be able to speak TLS with us.
  const target: Endpoint = check.kind === 'tcp' ? { ...endpoint, scheme: 'http' } : endpoint;
  const protocols = check.kind === 'grpc' ? (['h2'] as const) : (['h2', 'http/1.1'] as const);
  return new Promise((resolve) => {
    openConnection(target, { timeoutMs, tls, protocols, into: null }, (error, socket) => {
      if (error !== null && isExhaustion(error)) {
        resolve(undefined);
        return;
      }
      if (socket === null || check.kind === 'tcp') {
        socket?.destroy();
        resolve(error?.message ?? null);
        return;
      }
      const timer = setTimeout(
        () => {
          call.cancel();
          resolve('no answer in time');
        },
        Math.max(1, timeoutMs - (performance.now() - startMs)),
      );
      const { request, judge } = inquiryOf(check, authorityOf(endpoint));
      const call = askerFor(endpoint, check, socket)(socket, request, (failure, reply) => {
        clearTimeout(timer);
        resolve(reply === null ? (failure?.message ?? 'no answer') : judge(reply));
      });
    });
  });
}

/** gRPC is HTTP/2 under either scheme; otherwise the scheme says it, or the handshake of TLS. */
function askerFor({ scheme }: Endpoint, { kind }: HealthCheck, socket: Socket): Ask {
  if (kind === 'grpc' || scheme === 'h2c') return askHttp2;
  return scheme === 'https' && (socket as TLSSocket).alpnProtocol === 'h2' ? askHttp2 : askHttp1;
}

interface Inquiry {
  readonly request: AskRequest;
  /** Null: it is well. */
  readonly judge: (reply: Reply) => string | null;
}

function inquiryOf(check: Exclude<HealthCheck, { readonly kind: 'tcp' }>, authority: string): Inquiry {
  switch (check.kind) {
    case 'grpc':
      return { request: grpcHealthRequest(authority, check.service), judge: grpcHealthFailure };
    case 'kserve': {
      const { model } = check;
      const path = model === '' ? '/v2/health/ready' : `/v2/models/${encodeURIComponent(model)}/ready`;
      return { request: get(authority, path, false), judge: readinessFailure };
    }
    case 'http':
      return { request: get(authority, check.path, true), judge: statusFailure };
  }
}

function get(authority: string, path: string, headOnly: boolean): AskRequest {
  return { method: 'GET', authority, path, fields: { 'user-agent': 'qedge-health' }, body: null, headOnly };
}

function statusFailure({ status, fields }: Reply): string | null {
  const declaredFailure = isFailureVerdict(String(fields['x-qedge-verdict'] ?? ''));
  return healthFailure({ status, grpcStatus: NO_GRPC_STATUS, declaredFailure });
}

/** Some servers answer 200 with `{ "ready": false }`, others with a status of their own and no body. */
function readinessFailure(reply: Reply): string | null {
  return statusFailure(reply) ?? (/"ready"\s*:\s*false/.test(reply.body.toString('latin1')) ? 'not ready' : null);
}
