// `[traces]`: spans of requests, sent to a collector by OTLP/HTTP in JSON.

import * as z from 'zod';
import { key, optional, required } from '../key.ts';
import { count, duration, fieldName, parsed, ratio } from '../values.ts';
import { filePath, type SchemaContext } from './context.ts';

const collectorUrl = parsed(
  'expected a URL such as "http://collector:4318/v1/traces", without user and password',
  (text) => {
    if (!URL.canParse(text)) return null;
    const { protocol, username, password } = new URL(text);
    return /^https?:$/.test(protocol) && username === '' && password === '' ? text : null;
  },
);

/** Header values may be secrets; they are checked for what cannot be sent. */
const headerValue = parsed('expected a header value without line breaks', (text) =>
  /^[\x20-\x7e\t]+$/.test(text) ? text : null,
);

/** Keys of `[traces]`. */
export const tracesKeys = (context: SchemaContext) => ({
  endpoint: required('endpoint', collectorUrl, {
    doc: 'URL that batches of spans are posted to.',
    reload: 'restart',
    example: 'http://collector.local:4318/v1/traces',
  }),
  headers: {
    ...key('headers', z.record(fieldName, headerValue), {
      doc: 'Header fields of each post.',
      reload: 'restart',
      default: {},
    }),
    shown: { example: { authorization: 'Bearer ${file:/run/credentials/qedge.service/collector-token}' } },
  },
  ca: optional('caFile', filePath(context), {
    doc: "CA of an https collector; the system's when absent.",
    reload: 'restart',
    example: 'collector-ca.crt',
  }),
  sample_ratio: key('sampleRatio', ratio, {
    doc: 'Share of requests that begin a trace. A request that comes with `traceparent` is recorded when that says so.',
    reload: 'restart',
    default: 1,
  }),
  service_name: key('serviceName', z.string().min(1), {
    doc: '`service.name` of the spans.',
    reload: 'restart',
    default: 'qedge',
  }),
  timeout: key('timeoutMs', duration(), { doc: 'One post may take this long.', reload: 'restart', default: '10s' }),
  queue_max: key('queueMax', count(1), {
    doc: 'Spans that wait while the collector cannot take them; more are dropped and counted.',
    reload: 'restart',
    default: 2048,
  }),
  compression: key('compression', z.enum(['none', 'gzip']), {
    doc: '"none" or "gzip".',
    reload: 'restart',
    default: 'none',
  }),
  client_id: key('clientId', z.boolean(), {
    doc: 'Spans name the client as well.',
    reload: 'restart',
    default: false,
  }),
});
