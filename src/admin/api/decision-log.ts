// GET …/decisions: a service's decisions as they fall, streamed as lines of JSON until the time or the number of attempts is up.

import type { Context, Hono } from 'hono';
import { stream } from 'hono/streaming';
import type { Clock } from '../../core/clock.ts';
import type { Caller } from '../access/guard.ts';
import { problem, unknownService } from '../problem.ts';
import type { ObservedService } from '../state/reader.ts';
import { DecisionRecorder } from './decision-recorder.ts';

export interface DecisionLogRouteOptions {
  readonly services: () => ReadonlyMap<string, ObservedService>;
  readonly node: () => { readonly id: string };
  readonly clock: Clock;
}

const DURATION_MS_DEFAULT = 60_000;
const DURATION_MS_MAX = 3_600_000;
const ATTEMPTS_MAX = 200_000;
/** A reader that is this far behind is cut off: without the lines that it would miss, the rest of the log is false. */
const BACKLOG_BYTES_MAX = 4 * 1024 * 1024;
const HEADERS = { 'content-type': 'application/x-ndjson' } as const;

/** Adds the stream of a service's decisions. */
export function registerDecisionLog(app: Hono<Caller>, options: DecisionLogRouteOptions): void {
  const busy = new Set<string>();
  // The second is the earlier name.
  app.on('GET', ['/api/v1/services/:service/decisions', '/api/v1/services/:service/trace'], (c) => {
    const name = c.req.param('service');
    const services = options.services();
    const service = services.get(name);
    if (service === undefined) return unknownService(c, name, services.keys());
    const durationMs = Number(c.req.query('durationMs') ?? DURATION_MS_DEFAULT);
    if (!(durationMs > 0 && durationMs <= DURATION_MS_MAX)) {
      return problem(c, 400, `durationMs: expected 1 to ${DURATION_MS_MAX}, got "${c.req.query('durationMs')}"`);
    }
    // What would be recorded has no reader.
    if (c.req.method === 'HEAD') return c.body(null, 200, HEADERS);
    if (busy.has(name)) return problem(c, 409, `service "${name}" is being recorded already`);
    busy.add(name);
    return send(c, { ...options, service, durationMs, onEnd: () => busy.delete(name) });
  });
}

interface Sending extends DecisionLogRouteOptions {
  readonly service: ObservedService;
  readonly durationMs: number;
  readonly onEnd: () => void;
}

function send(c: Context<Caller>, { service, node, clock, durationMs, onEnd }: Sending): Response {
  for (const [header, value] of Object.entries(HEADERS)) c.header(header, value);
  return stream(c, async (out) => {
    // While a write waits for the reader, lines wait as strings: a write for each would cost some ten times their bytes.
    const waiting: string[] = [];
    let backlogBytes = 0;
    let isWriting = false;
    const writeWaiting = async (): Promise<void> => {
      isWriting = true;
      while (waiting.length > 0) {
        const text = waiting.splice(0).join('');
        await out.write(text);
        backlogBytes -= text.length;
      }
      isWriting = false;
    };
    let end: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const recorder = new DecisionRecorder({
      service,
      nodeId: node().id,
      clock,
      attemptsMax: ATTEMPTS_MAX,
      write: (line) => {
        const text = `${JSON.stringify(line)}\n`;
        waiting.push(text);
        backlogBytes += text.length;
        if (backlogBytes > BACKLOG_BYTES_MAX) end();
        else if (!isWriting) void writeWaiting();
      },
      onEnd: end,
    });
    out.onAbort(end);
    const timer = setTimeout(end, durationMs);
    recorder.start();
    await ended;
    clearTimeout(timer);
    recorder.stop();
    onEnd();
    // Behind what is under way, and before the end.
    void out.write(waiting.splice(0).join(''));
  });
}
