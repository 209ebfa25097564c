// The OpenAPI description of /api/v1, made from the shapes that the code is checked against.

import * as z from 'zod';
import { ANSWERS, BODIES } from './schemas.ts';

interface Operation {
  readonly method: 'get' | 'post' | 'put';
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly answer: keyof typeof ANSWERS;
  readonly body?: keyof typeof BODIES;
  readonly query?: readonly QueryParameter[];
}

interface QueryParameter {
  readonly name: string;
  readonly required: boolean;
  readonly description: string;
  readonly type: 'string' | 'integer';
}

const INSTANCE: QueryParameter = { name: 'instance', required: true, description: '<node>/<instance>', type: 'string' };
const CLIENT: QueryParameter = { name: 'client', required: false, description: 'for this client', type: 'string' };
const SINCE: QueryParameter = {
  name: 'since',
  required: false,
  description: 'only events with a number above this',
  type: 'integer',
};
const SERVICE = '/api/v1/services/{service}';

export const OPERATIONS: readonly Operation[] = [
  { method: 'get', path: '/api/v1/state', id: 'state', summary: 'Everything this node knows now', answer: 'State' },
  {
    method: 'get',
    path: '/api/v1/events',
    id: 'events',
    summary: 'What happened, oldest first',
    answer: 'Events',
    query: [SINCE],
  },
  {
    method: 'get',
    path: `${SERVICE}/explain`,
    id: 'explain',
    summary: 'Where the next request would go, and why',
    answer: 'Explanation',
    query: [CLIENT],
  },
  {
    method: 'get',
    path: `${SERVICE}/history`,
    id: 'history',
    summary: 'Weights and success over the last ten minutes',
    answer: 'History',
  },
  {
    method: 'get',
    path: `${SERVICE}/density`,
    id: 'density',
    summary: 'The estimated latency density of one instance',
    answer: 'Density',
    query: [INSTANCE],
  },
  {
    method: 'post',
    path: `${SERVICE}/drain`,
    id: 'drain',
    summary: 'Send an instance nothing new',
    answer: 'Done',
    body: 'Instance',
  },
  {
    method: 'post',
    path: `${SERVICE}/resume`,
    id: 'resume',
    summary: 'Let a drained instance take traffic again',
    answer: 'Done',
    body: 'Instance',
  },
  {
    method: 'post',
    path: `${SERVICE}/eject`,
    id: 'eject',
    summary: 'Send an instance nothing new for a while',
    answer: 'Done',
    body: 'Eject',
  },
  {
    method: 'post',
    path: `${SERVICE}/forget`,
    id: 'forget',
    summary: 'Forget what was learned of a service',
    answer: 'Done',
  },
  {
    method: 'post',
    path: `${SERVICE}/policy`,
    id: 'policy',
    summary: 'Route a service by another policy until the next reload',
    answer: 'Done',
    body: 'Policy',
  },
  { method: 'get', path: '/api/v1/log-level', id: 'logLevel', summary: 'How much is logged', answer: 'LogLevel' },
  {
    method: 'put',
    path: '/api/v1/log-level',
    id: 'setLogLevel',
    summary: 'Log more or less, until the next reload',
    answer: 'Done',
    body: 'NewLogLevel',
  },
];

/** The one answer that is no document: it goes on for as long as it is asked to. */
const DECISIONS = {
  operationId: 'decisions',
  summary: 'What is decided, and what comes of it, as it happens',
  parameters: [
    { name: 'service', in: 'path', required: true, schema: { type: 'string' } },
    { name: 'durationMs', in: 'query', required: false, schema: { type: 'integer', default: 60_000 } },
  ],
  responses: {
    200: { description: 'a header, then a line a happening', content: { 'application/x-ndjson': { schema: {} } } },
    default: problemAnswer(),
  },
};

let made: object | null = null;

/** OpenAPI 3.1. Made once. */
export function openApiDocument(): object {
  made ??= {
    openapi: '3.1.0',
    info: { title: 'qedge admin API', version: '1' },
    security: [{}, { token: [] }],
    paths: { ...pathsOf(OPERATIONS), [`${SERVICE}/decisions`]: { get: DECISIONS } },
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'admin.token of the configuration' } },
      schemas: Object.fromEntries(
        Object.entries({ ...ANSWERS, ...BODIES }).map(([name, schema]) => [name, schemaOf(schema)]),
      ),
    },
  };
  return made;
}

function pathsOf(operations: readonly Operation[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation) };
  }
  return paths;
}

function describe(operation: Operation): object {
  const { id, summary, answer, body, path, query = [] } = operation;
  const inPath = path.includes('{service}')
    ? [{ name: 'service', in: 'path', required: true, schema: { type: 'string' } }]
    : [];
  const inQuery = query.map(({ type, ...rest }) => ({ ...rest, in: 'query', schema: { type } }));
  return {
    operationId: id,
    summary,
    parameters: [...inPath, ...inQuery],
    ...(body === undefined ? {} : { requestBody: { required: true, content: json(body) } }),
    responses: {
      200: { description: summary, content: json(answer) },
      default: problemAnswer(),
    },
  };
}

function problemAnswer(): object {
  return {
    description: 'What is wrong (RFC 9457)',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

const json = (name: string): object => ({ 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } });

function schemaOf(schema: z.ZodType): object {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest;
}
