// What a row may hold. The file is ours, but a disk, an editor or an older version may have left anything in it: a row is
// read through its schema, and one that does not fit is dropped without the others. Fields that a newer version added are
// left out.

import * as z from 'zod';
import { JSON_DEPTH_MAX, parseBoundedJson } from '../../core/bounded-json.ts';
import type { RouterSnapshot } from '../../core/service-router.ts';
import type { PlacedInstance, PlacedNode } from '../state.ts';

/** Longest row that is read, characters: the largest of ours holds 4,096 clients. */
const ROW_LENGTH_MAX = 4 * 1024 * 1024;
/** A row puts a fact some levels deeper than its message did. */
const ROW_DEPTH_MAX = JSON_DEPTH_MAX + 8;

/** As announced names are bounded. */
const NAME_LENGTH_MAX = 253;
/** No line break or other control character, which separate keys. */
const nameOf = (lengthMax: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(lengthMax)
    .regex(/^\P{Cc}+$/u);
const name = nameOf(NAME_LENGTH_MAX);
/** `node/instance`. */
const instanceKey = nameOf(2 * NAME_LENGTH_MAX + 1);
const text = z.string().max(256);
const port = z.int().min(1).max(65_535);
/** Beyond anything that a clock of ours counts, and far from where numbers lose their milliseconds. */
const durationMs = z.number().min(0).max(1e12);
const labels = z.record(text, text);
const number = z.number().nullable();

const instance = z.object({
  service: name,
  nodeId: name,
  id: name,
  scheme: z.enum(['http', 'https', 'h2c']),
  host: text.min(1),
  port,
  labels,
  profile: z.record(z.string(), z.unknown()).nullable(),
});

const load = z.object({
  cpuRatio: number,
  memoryRatio: number,
  temperatureC: number,
  throttled: z.boolean().nullable(),
  power: z.enum(['mains', 'battery']).nullable(),
  batteryRatio: number,
});

const node = z.object({
  id: name,
  address: text.min(1).nullable(),
  probePort: port.nullable(),
  probeTls: z.literal(true).optional(),
  tier: z.enum(['far-edge', 'near-edge', 'cloud']).nullable(),
  labels,
  boot: text.nullable(),
  load: load.nullable().default(null),
});

const placedNode = z.object({ node, lostForMs: durationMs.nullable() });

const placedInstance = z.object({
  source: z.enum(['native', 'informer', 'dns', 'mdns']),
  instance,
  boot: text.nullable(),
});

/** What policies, the client ledger and the requirements kept is theirs to read: all take any shape, and count what does not fit as absent. */
const snapshot = z.object({
  version: z.literal(1),
  service: name,
  fingerprint: z.string(),
  rtts: z.record(z.string(), z.number().min(0).max(1e6)),
  policy: z.unknown(),
  clients: z.unknown(),
  chains: z.unknown().optional(),
  requirements: z.unknown().optional(),
});

export const savedRow = z.object({ boot_id: z.string().nullable(), uptime_ms: durationMs, wall_ms: z.number() });

/** Null for a row that does not fit. */
export const readSnapshot = (data: unknown): RouterSnapshot | null => read(snapshot, data);
export const readNode = (data: unknown): PlacedNode | null => read(placedNode, data);
export const readInstance = (data: unknown): PlacedInstance | null => read(placedInstance, data);
/** What was learned of one instance. */
export const readLearned = (data: unknown): { readonly learned: unknown } | null =>
  read(
    z.unknown().transform((learned) => ({ learned })),
    data,
  );

/** Parts of the key of a row; SQLite takes any type in any column. */
export const isName = (id: unknown): id is string => name.safeParse(id).success;
export const isInstanceKey = (id: unknown): id is string => instanceKey.safeParse(id).success;

function read<Row>(schema: z.ZodType<Row>, data: unknown): Row | null {
  if (typeof data !== 'string' || data.length > ROW_LENGTH_MAX) return null;
  try {
    return schema.safeParse(parseBoundedJson(data, ROW_DEPTH_MAX)).data ?? null;
  } catch {
    // No JSON, or nested beyond reason: SQLite's checks do not look into rows.
    return null;
  }
}
