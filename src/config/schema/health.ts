// Active checks of an instance, for a service and for an announcement.

import * as z from 'zod';
import { key, required, type SectionOf, section } from '../key.ts';
import { count, duration } from '../values.ts';

const times = {
  interval: key('intervalMs', duration(), { doc: 'Time between two checks.', default: '5s' }),
  timeout: key('timeoutMs', duration(), { doc: 'A check without an answer has failed after this.', default: '1s' }),
  failures_max: key('failuresMax', count(1, 100), {
    doc: 'Failed checks in a row until the instance counts as down.',
    default: 3,
  }),
};

const httpKeys = {
  kind: required('kind', z.literal('http'), {
    doc: 'A GET that is answered 2xx or 3xx, over HTTP/1.1 or HTTP/2 (h2c, TLS).',
    example: 'http',
  }),
  path: required('path', z.string().startsWith('/', 'expected a path such as "/healthz"'), {
    doc: 'What is asked for.',
    example: '/healthz',
  }),
  ...times,
};

const tcpKeys = {
  kind: required('kind', z.literal('tcp'), { doc: 'A connection that must open.', example: 'tcp' }),
  ...times,
};

const grpcKeys = {
  kind: required('kind', z.literal('grpc'), {
    doc: 'grpc.health.v1.Health/Check, of the whole instance or one of its services.',
    example: 'grpc',
  }),
  service: key('service', z.string().max(256), { doc: 'The service asked about; "": the whole.', default: '' }),
  ...times,
};

const kserveKeys = {
  kind: required('kind', z.literal('kserve'), {
    doc: '/v2/health/ready of the Open Inference Protocol.',
    example: 'kserve',
  }),
  model: key('model', z.string().max(256), { doc: 'The model asked about; "": the server.', default: '' }),
  ...times,
};

/** Health checks of a service by kind; times in ms. */
export type HealthCheck =
  | SectionOf<typeof httpKeys>
  | SectionOf<typeof tcpKeys>
  | SectionOf<typeof grpcKeys>
  | SectionOf<typeof kserveKeys>;

const check: z.ZodType<HealthCheck> = z.union([
  section(httpKeys),
  section(tcpKeys),
  section(grpcKeys),
  section(kserveKeys),
]);

/** `false`: none, null in `Config`. */
export const healthCheck: z.ZodType<HealthCheck | null> = z
  .union([z.literal(false), check], {
    error: 'expected false or a table such as { kind = "http", path = "/healthz" }',
  })
  .transform((health) => (health === false ? null : health));
