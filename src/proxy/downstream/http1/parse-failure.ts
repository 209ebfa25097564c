// What node:http could not read as a request, as the error that its client is answered.

import { ProxyError } from '../../../errors.ts';

/** Null: the connection itself broke, and no client is there to answer. */
export function parseFailure(error: Error & { readonly code?: string; readonly reason?: string }): ProxyError | null {
  const options = { source: 'downstream', cause: error } as const;
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    return new ProxyError('headers-too-large', 'the header fields are over the limit', options);
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new ProxyError('request-timeout', 'the header fields took too long', options);
  }
  if (error.code?.startsWith('HPE_') !== true) return null;
  return new ProxyError('bad-request', `malformed request: ${(error.reason ?? error.message).toLowerCase()}`, options);
}
