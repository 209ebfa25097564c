// The errors that an exchange finds itself.

import type { Candidate } from '../../core/domain.ts';
import { attributesText } from '../../core/requirements/attributes.ts';
import { type ErrorSource, ProxyError } from '../../errors.ts';
import type { ServiceRuntime } from '../service.ts';

function noInstance(): ProxyError {
  return new ProxyError('no-instance', 'the service has no instance', { source: 'internal' });
}

/** Why no instance gets the request. */
export function noneOf({ router, config }: ServiceRuntime): ProxyError {
  const { security } = config.qos;
  if (router.lastTier === 'shed') return shed();
  if (router.lastTier !== 'barred' || security === null) return noInstance();
  const message = `no instance of the service has what qos.security demands: ${attributesText(security)}`;
  return new ProxyError('no-instance', message, { source: 'internal' });
}

/** Every instance has more to do than it can do in time. */
function shed(): ProxyError {
  return new ProxyError('overloaded', 'no instance has room for one more in time', { source: 'internal' });
}

/** No room among the requests in flight of the service. */
export function serviceFull(inFlight: number): ProxyError {
  return new ProxyError('overloaded', `${inFlight} requests are in flight already`, { source: 'internal' });
}

export function queueFull({ key }: Candidate): ProxyError {
  return new ProxyError('overloaded', 'the instance and the queue in front of it are full', {
    source: 'internal',
    context: { instance: key },
  });
}

/** `source`: what used up the time. */
export function deadlinePassed(source: ErrorSource): ProxyError {
  return new ProxyError('deadline-exceeded', 'the deadline passed before an attempt', { source });
}

export function asProxyError(error: unknown): ProxyError {
  if (error instanceof ProxyError) return error;
  return new ProxyError('internal', 'unexpected failure inside the proxy', { source: 'internal', cause: error });
}

/** The same error, with the service that it is about. */
export function ofService(error: ProxyError, service: string): ProxyError {
  const { code, message, source, cause, context } = error;
  return new ProxyError(code, message, { source, cause, context: { ...context, service } });
}
