// A decision log as a file of JSON lines, read back with the line of each mistake.

import * as z from 'zod';
import { safeParse } from '../config/validate.ts';
import {
  DECISION_LOG_VERSION,
  type DecisionLog,
  type DecisionLogHeader,
  type DecisionLogLine,
} from '../core/decision-log.ts';
import { CommandError } from '../errors.ts';
import { textOf } from './text-files.ts';

const header: z.ZodType<DecisionLogHeader> = z.object({
  kind: z.literal('header'),
  version: z.literal(DECISION_LOG_VERSION),
  service: z.string(),
  nodeId: z.string(),
  policy: z.string(),
  qos: z.object({ latencyMs: z.number().gt(0), successRatio: z.number().gt(0).max(1), windowMs: z.number().gt(0) }),
});

const instance = z.object({
  service: z.string(),
  nodeId: z.string(),
  id: z.string(),
  scheme: z.enum(['http', 'https', 'h2c']),
  host: z.string(),
  port: z.number(),
  labels: z.record(z.string(), z.string()),
  profile: z.record(z.string(), z.unknown()).nullable(),
});

const line: z.ZodType<DecisionLogLine> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('instance'),
    atMs: z.number(),
    instance,
    availability: z.enum(['up', 'suspect', 'draining']),
    rttMs: z.number().nullable(),
  }),
  z.object({ kind: z.literal('gone'), atMs: z.number(), key: z.string() }),
  z.object({
    kind: z.literal('attempt'),
    atMs: z.number(),
    key: z.string(),
    weight: z.number().min(0),
    latencyMs: z.number().min(0),
    result: z.enum(['answered', 'failed', 'full', 'refused', 'timeout', 'aborted']),
  }),
]);

/** @throws CommandError naming the file and the line */
export function readDecisionLog(file: string): DecisionLog {
  const [first = '', ...rest] = textOf(file).trimEnd().split('\n');
  if (first === '') throw new CommandError(`${file}: is empty`);
  return {
    header: parseLine(header, first, `${file}:1`),
    lines: rest.map((one, i) => parseLine(line, one, `${file}:${i + 2}`)),
  };
}

/** An attempt was called a try before. */
function renamed(key: string, value: unknown): unknown {
  return key === 'kind' && value === 'try' ? 'attempt' : value;
}

function parseLine<Line>(schema: z.ZodType<Line>, text: string, place: string): Line {
  let json: unknown;
  try {
    json = JSON.parse(text, renamed);
  } catch {
    throw new CommandError(`${place}: not a line of a decision log`);
  }
  const parsed = safeParse(schema, json);
  if (parsed.success) return parsed.data;
  const wrong = new Set(parsed.error.issues.map(({ path }) => path.join('.')).filter((key) => key !== ''));
  const which = wrong.size === 0 ? '' : `: ${[...wrong].join(', ')} missing or not understood`;
  throw new CommandError(`${place}: not a line of a decision log${which}`);
}
