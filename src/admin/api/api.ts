// /metrics and /api/v1: what programs read.

import type { Context, Hono } from 'hono';
import type { EventLog } from '../../telemetry/events.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Caller } from '../access/guard.ts';
import { problem, unknownService } from '../problem.ts';
import { slicedBody } from '../slices.ts';
import { describeEvent } from '../state/event-words.ts';
import type { History } from '../state/history.ts';
import type { StateReader } from '../state/reader.ts';
import type { QedgeEvent } from '../state/state.ts';
import { openApiDocument } from './openapi.ts';

export interface ApiOptions {
  readonly reader: StateReader;
  readonly metrics: Metrics;
  readonly events: EventLog<QedgeEvent>;
  readonly history: History;
  readonly wallMsOf: (clockMs: number) => number;
}

/** Adds `/metrics` and the routes that only read. */
export function registerApi(app: Hono<Caller>, { reader, metrics, events, history, wallMsOf }: ApiOptions): void {
  app.get('/metrics', (c) => renderMetrics(c, metrics));
  app.get('/api/v1/state', (c) => c.body(slicedBody(reader.document()), 200, { 'content-type': 'application/json' }));
  app.get('/api/v1/services/:service/history', (c) => {
    const service = c.req.param('service');
    const known = history.of(service, wallMsOf);
    return known === null ? problem(c, 404, `no service "${service}" with a history`) : c.json(known);
  });
  app.get('/api/v1/services/:service/density', async (c) => {
    const service = c.req.param('service');
    const key = c.req.query('instance') ?? '';
    const density = await reader.density(service, key);
    return density === null
      ? problem(c, 404, `no density for instance "${key}" of service "${service}"`)
      : c.json(density);
  });
  app.get('/api/v1/services/:service/explain', async (c) => {
    const service = c.req.param('service');
    const explained = await reader.explain(service, c.req.query('client') ?? '');
    if (explained !== null) return c.json(explained);
    return unknownService(c, service, reader.names());
  });
  app.get('/api/v1/openapi.json', (c) => c.json(openApiDocument()));
  app.get('/api/v1/events', (c) => c.json({ events: events.since(sinceOf(c)).map(describeEvent) }));
}

function renderMetrics(c: Context, metrics: Metrics): Response {
  return takesOpenMetrics(c.req.header('accept') ?? '')
    ? c.body(slicedBody(metrics.render('openmetrics')), 200, {
        'content-type': 'application/openmetrics-text; version=1.0.0; charset=utf-8',
      })
    : c.body(slicedBody(metrics.render()), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
}

/** Whether a field `Accept` names the type, and not with a weight of nothing. */
function takesOpenMetrics(accept: string): boolean {
  return accept.split(',').some((range) => {
    const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    return type === 'application/openmetrics-text' && !parameters.some((one) => /^q=0(?:\.0*)?$/.test(one));
  });
}

/** `?since=<sequence>`: anything that is not a whole number asks for all that is kept. */
function sinceOf(c: Context): number {
  const since = Number(c.req.query('since'));
  return Number.isInteger(since) ? since : 0;
}
