// `affinity`: what ties the requests of a service together, so that they go to the same instance.

import * as z from 'zod';
import { key, optional, type SectionOf, section } from '../../key.ts';
import { duration, fieldName } from '../../values.ts';

const affinityKeys = {
  header: optional('header', fieldName, {
    doc: 'A header that names the session.',
    example: 'X-Session-Id',
  }),
  cookie: optional('cookie', fieldName, { doc: 'A cookie that names the session.', example: 'session' }),
  client: key('client', z.boolean(), { doc: 'Each client is a session.', default: false }),
  idle: key('idleMs', duration(), { doc: 'A session without a request is forgotten after this.', default: '10m' }),
};

export type Affinity = SectionOf<typeof affinityKeys>;

const EXPECTED =
  'expected false or exactly one of header, cookie and client, such as { header = "X-Session-Id", idle = "10m" }';

const table: z.ZodType<Affinity> = section(affinityKeys).refine(
  ({ header, cookie, client }) => [header !== null, cookie !== null, client].filter(Boolean).length === 1,
  { error: EXPECTED },
);

/** `false`: none, null in `Config`. */
export const affinity: z.ZodType<Affinity | null> = z
  .union([z.literal(false), table], { error: EXPECTED })
  .transform((written) => (written === false ? null : written));
