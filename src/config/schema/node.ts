// `[node]`: what this node is called and where it stands.

import * as z from 'zod';
import { key, optional } from '../key.ts';
import { host, labels, name } from '../values.ts';
import type { SchemaContext } from './context.ts';

/** Keys of `[node]`. */
export const nodeKeys = ({ hostname }: SchemaContext) => ({
  id: {
    ...key('id', name, {
      doc: 'Name of this node, unique among all that share a broker. Default: the host name up to its first dot.',
      reload: 'restart',
      default: hostname,
    }),
    shown: { example: 'pi-7' },
  },
  tier: optional('tier', z.enum(['far-edge', 'near-edge', 'cloud']), {
    doc: 'Where on the continuum it stands: "far-edge", "near-edge" or "cloud".',
    example: 'far-edge',
  }),
  address: optional('address', host, {
    doc: 'Where other nodes reach this one, for their probes. Without it the node does not announce itself.',
    example: '10.0.0.7',
  }),
  labels: key('labels', labels, {
    doc: 'Labels of the node, free to choose, such as { accelerator = "hailo-8" }.',
    default: {},
  }),
});
