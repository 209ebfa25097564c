// `[admin]`: health, metrics, the API and the dashboard.

import { key, optional } from '../key.ts';
import { listenAddress, secret } from '../values.ts';

/** Keys of `[admin]`. */
export const adminKeys = () => ({
  listen: key('listen', listenAddress, {
    doc: 'Health, metrics, the API and the dashboard. Beyond loopback a token is required.',
    reload: 'restart',
    default: '127.0.0.1:9901',
  }),
  token: optional('token', secret, {
    doc: 'What callers show, as "Authorization: Bearer …" or in the login form.',
    example: '${file:/run/credentials/qedge.service/admin-token}',
  }),
});
