// What the API says of neighbours: which load balancers say what they saw, and which of them are not believed.

import * as z from 'zod';
import { count, ms } from './scalars.ts';

const neighbour = z.strictObject({
  nodeId: z.string(),
  heardAgeMs: ms.describe('since its last summary'),
  silent: z.boolean().describe('nothing came since for so long that what it said counts for nothing'),
  summaries: count.describe('heard, all time'),
  instances: count.describe('that it spoke of and that are known here'),
  samples: count.describe('discounted, as they count now'),
  ignoredMs: count.describe('until it is believed again; 0: it is not ignored'),
  wrongOver: z.string().nullable().describe('<node>/<instance> that it was wrong about; null: it is not ignored'),
});

/** Those of a service. */
export const neighbours = z
  .strictObject({
    use: z.boolean().describe('what they saw is what to expect beside own samples; else it is only looked at'),
    heard: z.array(neighbour),
  })
  .nullable()
  .describe('null where summaries are neither sent nor used');

/** What this node knows of its neighbours. */
export const neighbourhood = z
  .strictObject({
    summariesSent: count,
    bytesSent: count.describe('topics and payloads of them'),
    summariesReceived: count.describe('that were taken in'),
    roundTrips: z
      .array(
        z.strictObject({
          nodeId: z.string(),
          ageMs: ms.describe('since it said so'),
          rttsMs: z.record(z.string(), ms),
        }),
      )
      .describe('a row for each node that says its round trips, this one first'),
  })
  .nullable()
  .describe('null where summaries are neither sent nor used');
