// `[update]`: which new binaries are accepted, and when one is rolled back.

import { key, optional } from '../key.ts';
import { duration, parsed, ratio } from '../values.ts';

const publicKey = parsed('expected an Ed25519 public key: 32 bytes in base64', (text) =>
  /^[A-Za-z0-9+/]{43}=$/.test(text) ? text : null,
);

/** Keys of `[update]`. */
export const updateKeys = () => ({
  public_key: optional('publicKey', publicKey, {
    doc: 'Ed25519 key that new binaries must be signed with: 32 bytes in base64. Without it no update is accepted.',
    example: '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
  }),
  probation: key('probationMs', duration({ zero: true }), {
    doc: 'A new binary that crashes within this time is rolled back.',
    default: '60s',
  }),
  qos_drop_max: key('qosDropMax', ratio, {
    doc: 'So is one that loses more than this share of satisfied clients in its probation.',
    default: 0.05,
  }),
});
