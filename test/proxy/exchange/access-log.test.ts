import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { logAccess } from '../../../src/proxy/exchange/access-log.ts';

describe('the access log', () => {
  it('tells the path, and never the query', () => {
    const lines: string[] = [];
    const log = pino({ base: null, timestamp: false }, { write: (line: string) => void lines.push(line) });
    const line = {
      service: 'svc',
      instance: 'n1/a',
      client: 'cam',
      requestId: 'r',
      method: 'GET',
      status: 200,
      tries: 1,
    };
    logAccess(log, { ...line, target: '/infer?token=secret', latencyMs: 12.3456 });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ ...line, target: '/infer', latencyMs: 12.35, msg: 'request' });
    expect(lines.join()).not.toContain('secret');
  });
});
