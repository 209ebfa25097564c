// A service that sheds: what its instances have no room for is refused at once, so that a device can use its own model.

import { describe, expect, it } from 'vitest';
import { serviceOf, startInstance, startProxy } from '../../support/proxy.ts';

describe('a service that sheds under overload', () => {
  it('answers 503 with Retry-After at once while its instances answer late', async () => {
    const instance = await startInstance((_, response) => setTimeout(() => response.end('ok'), 30));
    const { proxy, url } = await startProxy([]);
    const policy = { name: 'qedge', options: { shed: true } };
    const service = serviceOf({ name: 'pilotnet', ports: [instance.port], policy, qos: { latencyMs: 5 } });
    await proxy.applyServices([service]);
    const answers: Response[] = [];
    for (let round = 0; round < 20; round++) {
      const batch = Array.from({ length: 8 }, () => fetch(url, { headers: { 'X-QEdge-Service': 'pilotnet' } }));
      for (const answer of await Promise.all(batch)) {
        await answer.text();
        answers.push(answer);
      }
      // Time of the router's own: a step for each round, however slow the machine is.
      service.router.tick(performance.now() + 1000 * round);
    }
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.headers.get('x-qedge-error')).toBe('overloaded');
    expect(refused[0]?.headers.get('retry-after')).toBe('1');
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
  });
});
