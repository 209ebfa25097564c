// `[[announce]]`: an instance on this node that is offered to all.

import type * as z from 'zod';
import type { Scheme } from '../../core/domain.ts';
import { key, optional, required, type SectionOf, section } from '../key.ts';
import { instanceUrl, labels, name } from '../values.ts';
import { filePath, type SchemaContext } from './context.ts';
import { healthCheck } from './health.ts';
import { PROFILE_DOC, profile } from './profile.ts';

export const announceKeys = (context: SchemaContext) => ({
  service: required('service', name, { doc: 'Service that it is an instance of.', example: 'pilotnet' }),
  url: required('address', instanceUrl, { doc: 'Where other nodes reach it.', example: 'http://10.0.0.7:9000' }),
  id: optional('id', name, { doc: 'Its name on this node. Default: the port.', example: '9000' }),
  labels: key('labels', labels, {
    doc: 'Facts that constraints match on, such as { accelerator = "hailo-8" }.',
    default: {},
  }),
  profile: optional('profile', profile, { doc: PROFILE_DOC, example: {} }),
  ca: optional('caFile', filePath(context), {
    doc: "CA of an https instance, for its checks; the system's when absent.",
    example: 'instances-ca.crt',
  }),
  health: key('health', healthCheck, {
    doc: 'It is announced while this check passes (the kinds of the health of a service); false: always.',
    default: { kind: 'tcp' },
  }),
});

type WrittenAnnounce = SectionOf<ReturnType<typeof announceKeys>>;

/** An instance that this node announces to others. */
export type AnnouncedInstance = Omit<WrittenAnnounce, 'address' | 'id'> & {
  readonly id: string;
  readonly scheme: Scheme;
  readonly host: string;
  readonly port: number;
};

/** The schema of an `[[announce]]`. */
export const announceSchema = (context: SchemaContext): z.ZodType<AnnouncedInstance> =>
  section(announceKeys(context)).transform(({ address, id, ...rest }) => ({
    ...rest,
    ...address,
    id: id ?? String(address.port),
  }));
