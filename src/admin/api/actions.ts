// What people can change while qedge runs. Every change leaves an audit line in the log and in the events; nothing
// here is written to the configuration, so a reload or a restart restores what the file says.

import type { Context, Hono } from 'hono';
import type * as z from 'zod';
import type { TomlPath } from '../../config/toml.ts';
import { expectation, safeParse, valueAt } from '../../config/validate.ts';
import { DepthError, parseBoundedJson } from '../../core/bounded-json.ts';
import type { Clock } from '../../core/clock.ts';
import { checkPolicy, type PolicyChoice } from '../../core/policies/registry.ts';
import type { EventLog } from '../../telemetry/events.ts';
import type { Logger, LogLevel } from '../../telemetry/log.ts';
import type { Caller } from '../access/guard.ts';
import { problem, unknownService } from '../problem.ts';
import type { Ejections } from '../state/ejections.ts';
import type { ObservedService } from '../state/reader.ts';
import type { QedgeEvent } from '../state/state.ts';
import { type ActionDocument, ejectBody, instanceBody, logLevelBody, policyBody } from './schemas.ts';

export interface ActionOptions {
  readonly services: () => ReadonlyMap<string, ObservedService>;
  /** Gives a service another policy; what its old one learned is lost. */
  readonly setPolicy: (service: string, policy: PolicyChoice) => Promise<void> | void;
  readonly setLogLevel: (level: LogLevel) => Promise<void> | void;
  readonly events: EventLog<QedgeEvent>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Adds the routes that change something. */
export function registerActions(app: Hono<Caller>, options: ActionOptions, ejections: Ejections): void {
  new Actions(options, ejections).register(app);
}

class Actions {
  readonly #options: ActionOptions;
  readonly #ejections: Ejections;

  constructor(options: ActionOptions, ejections: Ejections) {
    this.#options = options;
    this.#ejections = ejections;
  }

  register(app: Hono<Caller>): void {
    app.post('/api/v1/services/:service/drain', (c) => this.#drain(c, true));
    app.post('/api/v1/services/:service/resume', (c) => this.#drain(c, false));
    app.post('/api/v1/services/:service/eject', (c) => this.#eject(c));
    // The former name of it.
    app.post('/api/v1/services/:service/cooldown', (c) => this.#eject(c));
    app.post('/api/v1/services/:service/forget', (c) => this.#reset(c));
    app.post('/api/v1/services/:service/policy', (c) => this.#policy(c));
    app.get('/api/v1/log-level', (c) => c.json({ level: this.#options.log.level }));
    app.put('/api/v1/log-level', (c) => this.#logLevel(c));
  }

  async #drain(c: Context<Caller>, on: boolean): Promise<Response> {
    const body = await bodyOf(c, instanceBody);
    if (body instanceof Response) return body;
    const service = this.#instance(c, body.instance);
    if (service instanceof Response) return service;
    this.#setDrained(service, body.instance, on);
    return this.#audit(c, { service: service.service, target: body.instance, action: on ? 'drained' : 'resumed' });
  }

  /** Sends the instance no new requests for a while, under any policy. */
  async #eject(c: Context<Caller>): Promise<Response> {
    const body = await bodyOf(c, ejectBody);
    if (body instanceof Response) return body;
    const service = this.#instance(c, body.instance);
    if (service instanceof Response) return service;
    const name = service.service;
    this.#setDrained(service, body.instance, true);
    const { durationMs } = body;
    // Also where the service is gone by then: it may come back.
    const end = (): void => this.#setDrained(service, body.instance, false);
    this.#ejections.begin(name, body.instance, { durationMs, end });
    const action = `ejected for ${durationMs / 1000} s`;
    return this.#audit(c, { service: name, target: body.instance, action });
  }

  #reset(c: Context<Caller>): Response {
    const service = this.#service(c);
    if (service instanceof Response) return service;
    service.reset(this.#options.clock.nowMs());
    const name = service.service;
    return this.#audit(c, { service: name, target: name, action: 'learned state reset' });
  }

  async #policy(c: Context<Caller>): Promise<Response> {
    const service = this.#service(c);
    if (service instanceof Response) return service;
    const body = await bodyOf(c, policyBody);
    if (body instanceof Response) return body;
    const problems = checkPolicy(body);
    if (problems.length > 0) {
      return problem(c, 400, problems.map(({ path, message }) => `${path}: ${message}`).join('; '));
    }
    const name = service.service;
    await this.#options.setPolicy(name, body);
    return this.#audit(c, { service: name, target: name, action: `policy changed to ${body.name}` });
  }

  async #logLevel(c: Context<Caller>): Promise<Response> {
    const body = await bodyOf(c, logLevelBody);
    if (body instanceof Response) return body;
    await this.#options.setLogLevel(body.level);
    return this.#audit(c, { service: null, target: 'log', action: `log level changed to ${body.level}` });
  }

  #service(c: Context<Caller>): ObservedService | Response {
    const name = c.req.param('service') ?? '';
    const services = this.#options.services();
    return services.get(name) ?? unknownService(c, name, services.keys());
  }

  #instance(c: Context<Caller>, key: string): ObservedService | Response {
    const service = this.#service(c);
    if (service instanceof Response || service.candidates.some((candidate) => candidate.key === key)) return service;
    return problem(c, 404, `no instance "${key}" of service "${service.service}"`);
  }

  /** The last call wins, and ends a running ejection. */
  #setDrained(service: ObservedService, key: string, drained: boolean): void {
    this.#ejections.cancel(service.service, key);
    service.drain(key, drained, this.#options.clock.nowMs());
  }

  /** The audit line. */
  #audit(c: Context<Caller>, { service, target, action }: Done): Response {
    const by = c.get('caller');
    this.#options.log.warn({ service, target, action, by }, 'state changed through the admin port');
    this.#options.events.append(service, { kind: 'action', action, target, by }, this.#options.clock.nowMs());
    return c.json({ done: `${target}: ${action}` } satisfies ActionDocument);
  }
}

/** What was done, for the audit line. `service` null: the whole node. */
interface Done {
  readonly service: string | null;
  readonly target: string;
  readonly action: string;
}

async function bodyOf<Schema extends z.ZodType>(c: Context, schema: Schema): Promise<z.infer<Schema> | Response> {
  const text = await c.req.text();
  let json: unknown;
  try {
    json = parseBoundedJson(text);
  } catch (error) {
    return problem(c, 400, error instanceof DepthError ? `the body is ${error.message}` : 'the body is not JSON');
  }
  const parsed = safeParse(schema, json);
  return parsed.success
    ? parsed.data
    : problem(c, 400, parsed.error.issues.map((issue) => issueText(issue, json)).join('; '));
}

/** What was sent is named so far. */
const GOT_CHARS_MAX = 60;

function issueText(issue: z.core.$ZodIssue, json: unknown): string {
  if (issue.code === 'unrecognized_keys') return `unknown: ${issue.keys.join(', ').slice(0, GOT_CHARS_MAX)}`;
  const text = expectation(issue).replace('a table', 'an object');
  const value = JSON.stringify(valueAt(json, issue.path as TomlPath));
  const shown = value?.slice(0, GOT_CHARS_MAX);
  const got = value === undefined ? `missing, ${text}` : `${text}, got ${shown}${shown === value ? '' : '…'}`;
  const message = text.startsWith('expected') && !text.includes(', got ') ? got : text;
  return issue.path.length === 0 ? message : `${issue.path.join('.')}: ${message}`;
}
