// What is said on the topics of a task (topics.ts), as JSON. Anything may stand on a broker: each payload is held against a schema.

import { isIP } from 'node:net';
import * as z from 'zod';
import { type LearningNode, NODE_NAME } from '../../plan/learning/topology.ts';
import { type Read, readJson } from './read-json.ts';

const name = z.string().regex(NODE_NAME, 'expected a name');
const address = z.string().refine((text) => isIP(text) !== 0, 'expected an IP address');
const place = z.string().refine(isPlace, 'expected an IP address and a port');
const port = z.int().min(1).max(65_535);
const role = z.enum(['global-aggregator', 'aggregator', 'client']);
/** The highest term, generation and round. */
export const COUNT_MAX = 1e9;
const whole = z.int().min(0).max(1e12);
const from0 = z.int().min(0).max(COUNT_MAX);
const from1 = z.int().min(1).max(COUNT_MAX);
const amount = z.number().min(0).max(1e15);
const ratio = z.number().min(0).max(1);

/** Entries of `costs` and `samples` of one node. */
const ENTRIES_MAX = 1_000;
const entries = <T extends z.ZodType>(value: T) =>
  z
    .record(z.string().min(1).max(64), value)
    .default({})
    .refine((table) => Object.keys(table).length <= ENTRIES_MAX, `expected at most ${ENTRIES_MAX} entries`);

/** What a node brings to a task, as it stands in its announcement. */
export interface Offer {
  readonly node: LearningNode;
  /** Where its command listens: `10.0.0.7:9100`. */
  readonly address: string;
}

const announcement = z.object({
  address,
  fl: z.object({ role, port, costs: entries(z.number().min(0).max(1e12)), samples: entries(whole) }).optional(),
});

/** An announcement with the costs and classes of some thousand names. */
const OFFER_BYTES_MAX = 64 * 1024;

/** Reads the announcement of node `id` as an offer; null: the node does not learn. `wrong` says what is malformed or too long. */
export function readOffer(id: string, payload: Uint8Array): Read<Offer | null> {
  const read = readJson(payload, announcement, OFFER_BYTES_MAX);
  if ('wrong' in read) return mentionsLearning(payload) ? read : { value: null };
  const { fl, address } = read.value;
  if (fl === undefined) return { value: null };
  const samples = new Map(Object.entries(fl.samples));
  if (fl.role === 'client' && [...samples.values()].every((count) => count === 0)) {
    return { wrong: 'fl.samples: a client without samples has nothing to learn from' };
  }
  const node = { id, role: fl.role, costs: new Map(Object.entries(fl.costs)), samples };
  return { value: { node, address: joined(address, fl.port) } };
}

/** A node that is no node of ours is nothing to complain of. */
const mentionsLearning = (payload: Uint8Array): boolean => Buffer.from(payload).includes('"fl"');

const claimSchema = z.object({ id: z.string().min(1).max(128), term: from1 });
/** Which controller has a task, and how many times it changed hands. */
export type Claim = z.output<typeof claimSchema>;

/** Reads who has a task; null: the topic was cleared. */
export function readClaim(payload: Uint8Array): Read<Claim> | null {
  return payload.length === 0 ? null : readJson(payload, claimSchema, 1024);
}

const partSchema = z.object({
  generation: from1,
  role,
  /** Where its aggregator listens; absent for the global one. */
  parent: place.optional(),
  /** How many send to it. */
  children: whole,
  epochs: from1,
  local_rounds: from1,
  /** The round that is done already. */
  round: from0,
  /** Where the global aggregator gets and puts the model. */
  snapshot_url: z
    .url({ protocol: /^https?$/ })
    .max(512)
    .optional(),
});
/** What a node is to do. */
export type Part = z.output<typeof partSchema>;

const PART_BYTES_MAX = 4 * 1024;

/** Reads what a node is to do; null: the part was taken back. */
export function readPart(payload: Uint8Array): Read<Part> | null {
  return payload.length === 0 ? null : readJson(payload, partSchema, PART_BYTES_MAX);
}

const progressSchema = z.object({
  generation: from1,
  round: from0,
  accuracy: ratio.optional(),
  loss: z.number().min(0).max(1e9).optional(),
  samples: whole.optional(),
});
/** What the command of a node says, with the generation that it says it in. */
export type Progress = z.output<typeof progressSchema>;

/** Longest report of a command. */
export const REPORT_BYTES_MAX = 4 * 1024;

/** Reads what the command of a node reports; null: the topic was cleared. */
export function readProgress(payload: Uint8Array): Read<Progress> | null {
  return payload.length === 0 ? null : readJson(payload, progressSchema, REPORT_BYTES_MAX);
}

const configurationSchema = z.object({
  global: name,
  clusters: z.array(z.object({ aggregator: name, clients: z.array(name).readonly() })).readonly(),
  divergence: z.number().nullable(),
  epochs: from1,
  localRounds: from1,
  costPerEpoch: amount,
});

const stateSchema = z.object({
  phase: z.enum(['waiting', 'training', 'done']),
  /** Why it waits, or ended; what changed last. */
  reason: z.string().max(4096),
  generation: from0,
  round: from0,
  accuracy: ratio.nullable(),
  loss: z.number().nullable(),
  /** Units of communication so far. */
  spent: amount,
  configuration: configurationSchema.nullable(),
  /** Rounds of the present configuration, the last ones. */
  rounds: z
    .array(z.object({ round: from1, accuracy: ratio }))
    .max(1_000)
    .readonly(),
  /** Reports that changed nothing: how many of each node, and what was wrong with the last. */
  ignored: z
    .array(z.object({ node: z.string().max(256), count: from1, reason: z.string().max(512) }))
    .max(64)
    .readonly(),
  snapshot: z
    .object({
      round: from0,
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      /** Where it can be got, and not put. */
      url: z.url({ protocol: /^http$/ }).max(512),
    })
    .nullable(),
});
/** How far a task is: what a controller that takes over begins with, and what `qedge fl status` shows. */
export type TaskState = z.output<typeof stateSchema>;

/** Less than the largest packet that is taken from a broker. */
const STATE_BYTES_MAX = 120 * 1024;

/** Reads how far a task is; null: the topic was cleared. */
export function readState(payload: Uint8Array): Read<TaskState> | null {
  return payload.length === 0 ? null : readJson(payload, stateSchema, STATE_BYTES_MAX);
}

/** `10.0.0.7:9100`, `[fd00::7]:9100`. */
export function joined(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function isPlace(text: string): boolean {
  const [, six, four, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const number = Number(digits);
  return isIP(six ?? four ?? '') === (six === undefined ? 4 : 6) && number >= 1 && number <= 65_535;
}
