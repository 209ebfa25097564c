import { describe, expect, it } from 'vitest';
import { sessionOf } from '../../../../src/proxy/exchange/arrival/session-id.ts';
import { startInstance, startProxy } from '../../../support/proxy.ts';

const NONE = { header: null, cookie: null, client: false, idleMs: 60_000 };

describe('the session of a request', () => {
  it('is named by a header', () => {
    const affinity = { ...NONE, header: 'X-Session-Id' };
    expect(sessionOf(affinity, ['Host', 'h', 'x-session-id', 'a7'], 'car')).toBe('a7');
    expect(sessionOf(affinity, ['Host', 'h'], 'car')).toBe('');
  });

  it('is named by a cookie among others', () => {
    const affinity = { ...NONE, cookie: 'sid' };
    expect(sessionOf(affinity, ['Cookie', 'a=1; sid=x=y; b=2'], 'car')).toBe('x=y');
    expect(sessionOf(affinity, ['cookie', 'a=1', 'cookie', 'sid=z'], 'car')).toBe('z');
    expect(sessionOf(affinity, ['Cookie', 'noside=1; sidx=2'], 'car')).toBe('');
  });

  it('is its client', () => {
    expect(sessionOf({ ...NONE, client: true }, [], 'car')).toBe('car');
  });

  it('is bounded, and long names that end differently stay apart', () => {
    const affinity = { ...NONE, header: 'X-Session-Id' };
    const [a, b] = ['a', 'b'].map((end) => sessionOf(affinity, ['X-Session-Id', 'x'.repeat(500) + end], ''));
    expect(a).toHaveLength(128);
    expect(a).not.toBe(b);
  });
});

describe('a service with affinity', () => {
  it('serves each session at one instance', async () => {
    const instances = await Promise.all([1, 2, 3].map((n) => startInstance((_, response) => response.end(String(n)))));
    const affinity = { ...NONE, header: 'X-Session-Id' };
    const { url } = await startProxy([{ name: 'llm', ports: instances.map(({ port }) => port), affinity }]);
    const ask = async (session: string): Promise<string> => {
      const answer = await fetch(url, { headers: { 'X-QEdge-Service': 'llm', 'X-Session-Id': session } });
      return answer.text();
    };
    for (const session of ['one', 'two', 'three']) {
      const home = await ask(session);
      for (let i = 0; i < 5; i++) expect(await ask(session)).toBe(home);
    }
  });
});
