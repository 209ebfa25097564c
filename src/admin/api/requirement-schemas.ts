// What the API says of requirements, and of the clients that they are owed to.

import * as z from 'zod';
import { count, ratio } from './scalars.ts';

const requirementLevel = z.strictObject({
  requirement: z
    .string()
    .describe('latency, mean-latency, reliability, availability, throughput, security, or attributes'),
  level: count.nullable().describe('a share; of a mean latency ms, of a throughput answers per second'),
  goal: count.describe('in the unit of the level'),
  strain: count.describe('of what it allows, the share that is used up: above 1 it is missed'),
});

/** Over all clients. */
export const requirementState = requirementLevel.extend({
  clientsRatio: ratio.nullable().describe('share of the clients for which it holds'),
  heldShare: ratio
    .nullable()
    .describe('of an attribute share: what requests are held to now, since it yields to latency'),
  price: count.nullable().describe('what a miss of it is worth beside one of the latency goal'),
});

/** The clients of a service or of a chain. */
export const clients = z
  .array(
    z.strictObject({
      clientId: z.string(),
      requests: count,
      successRatio: ratio,
      requirements: z.array(requirementLevel).exactOptional().describe('absent where the latency goal is the only one'),
      missed: z.string().nullable().exactOptional().describe('the requirement that it misses by most'),
    }),
  )
  .describe('worst served first; bounded');
