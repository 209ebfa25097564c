// An instance as a watched file lists it: in the words of `[[announce]]`, or in those of the wire (`host`, `port`, `scheme`).

import * as z from 'zod';
import { key, optional, required, type SectionOf, section } from '../../key.ts';
import { count, host, instanceUrl, labels, name } from '../../values.ts';
import type { StaticInstance } from '../instance.ts';
import { PROFILE_DOC, profile } from '../profile.ts';

const placedInstanceKeys = {
  service: required('service', name, { doc: 'Service that it is an instance of.', example: 'pilotnet' }),
  url: optional('address', instanceUrl, { doc: 'Where it is reached.', example: 'http://10.0.0.7:9000' }),
  host: optional('host', host, { doc: 'Its address, where there is no url.', example: '10.0.0.7' }),
  port: optional('port', count(1, 65_535), { doc: 'Its port, where there is no url.', example: 9000 }),
  scheme: optional('scheme', z.enum(['http', 'https', 'h2c']), { doc: 'http when absent.', example: 'http' }),
  node: optional('nodeId', name, { doc: 'Node that it runs on. Default: its address.', example: 'pi-7' }),
  id: optional('id', name, { doc: 'Its name on that node. Default: the port.', example: '9000' }),
  labels: key('labels', labels, { doc: 'Facts that constraints match on.', default: {} }),
  profile: optional('profile', profile, { doc: PROFILE_DOC, example: {} }),
};

/** An instance that a file lists. */
export type PlacedInstance = Omit<StaticInstance, 'rttMs'> & { readonly service: string };

/** The schema of one entry. */
export const placedInstance: z.ZodType<PlacedInstance> = section(placedInstanceKeys).transform((written, context) => {
  const address = addressOf(written);
  if (address === null) {
    context.addIssue({ code: 'custom', path: ['url'], message: 'expected either url, or host and port' });
    return z.NEVER;
  }
  const { service, nodeId, id, labels, profile } = written;
  return { service, nodeId: nodeId ?? address.host, id: id ?? String(address.port), ...address, labels, profile };
});

type Written = SectionOf<typeof placedInstanceKeys>;

/** Null where neither is given, or both. */
function addressOf({ address, host, port, scheme }: Written): Pick<PlacedInstance, 'scheme' | 'host' | 'port'> | null {
  if (address !== null) return host === null && port === null && scheme === null ? address : null;
  return host === null || port === null ? null : { scheme: scheme ?? 'http', host, port };
}
