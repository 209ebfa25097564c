// A recorded trace as a file of JSON lines, read back with the line of each mistake.

import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { TRACE_VERSION, type Trace, type TraceHeader, type TraceLine } from '../core/decision-log.ts';
import { CommandError, unreadable } from '../errors.ts';

const header: z.ZodType<TraceHeader> = z.object({
  kind: z.literal('header'),
  version: z.literal(TRACE_VERSION),
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

const line: z.ZodType<TraceLine> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('instance'),
    atMs: z.number(),
    instance,
    availability: z.enum(['up', 'suspect', 'draining']),
    rttMs: z.number().nullable(),
  }),
  z.object({ kind: z.literal('gone'), atMs: z.number(), key: z.string() }),
  z.object({
    kind: z.literal('try'),
    atMs: z.number(),
    key: z.string(),
    weight: z.number().min(0),
    latencyMs: z.number().min(0),
    result: z.enum(['answered', 'failed', 'full', 'refused', 'timeout', 'aborted']),
  }),
]);

/** @throws CommandError naming the file and the line */
export function readTrace(file: string): Trace {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(unreadable(file, error), 1, error);
  }
  const [first = '', ...rest] = text.trimEnd().split('\n');
  return {
    header: parseLine(header, first, `${file}:1`),
    lines: rest.map((one, i) => parseLine(line, one, `${file}:${i + 2}`)),
  };
}

function parseLine<Line>(schema: z.ZodType<Line>, text: string, place: string): Line {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new CommandError(`${place}: not a line of a trace`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new CommandError(`${place}: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}`);
}
