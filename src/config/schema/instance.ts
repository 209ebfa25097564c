// An instance that the file names itself.

import * as z from 'zod';
import type { Labels, Scheme } from '../../core/domain.ts';
import { key, optional, required, type SectionOf, section } from '../key.ts';
import { duration, type InstanceAddress, instanceUrl, labels, name } from '../values.ts';
import { PROFILE_DOC, profile } from './profile.ts';

/** An instance that the configuration names; `rttMs` null: it is measured. */
export interface StaticInstance {
  readonly nodeId: string;
  readonly id: string;
  readonly scheme: Scheme;
  readonly host: string;
  readonly port: number;
  readonly labels: Labels;
  /** What policies that go by profiles need; null when not given. */
  readonly profile: Readonly<Record<string, unknown>> | null;
  /** RTT to assume before the first probe, ms; null when not given. */
  readonly rttMs: number | null;
}

const instanceKeys = {
  url: required('address', instanceUrl, { doc: 'Where it listens.', example: 'http://10.0.0.7:9000' }),
  node: optional('nodeId', name, {
    doc: 'Node that it runs on. Default: a node named after its host.',
    example: 'pi-7',
  }),
  id: optional('id', name, { doc: 'Its name on that node. Default: the port.', example: 'a' }),
  labels: key('labels', labels, { doc: 'Facts that constraints match on.', default: {} }),
  profile: optional('profile', profile, { doc: PROFILE_DOC, example: {} }),
  rtt: optional('rttMs', duration({ zero: true }), {
    doc: 'Round trip to assume until it is measured.',
    example: '2ms',
  }),
};

type WrittenInstance = SectionOf<typeof instanceKeys>;

const named = ({ address, nodeId, id, labels, profile, rttMs }: WrittenInstance): StaticInstance => ({
  ...address,
  nodeId: nodeId ?? address.host,
  id: id ?? String(address.port),
  labels,
  profile,
  rttMs,
});

const short = (address: InstanceAddress): StaticInstance =>
  named({ address, nodeId: null, id: null, labels: {}, profile: null, rttMs: null });

/** `"http://10.0.0.7:9000"` is short for `{ url = "http://10.0.0.7:9000" }`. */
export const staticInstance: z.ZodType<StaticInstance> = z.union(
  [instanceUrl.transform(short), section(instanceKeys).transform(named)],
  { error: 'expected an address such as "http://10.0.0.7:9000"' },
);
