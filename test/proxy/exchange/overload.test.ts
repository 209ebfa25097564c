// A service that sheds: what its instances have no room for is refused at once, so that a device can use its own model.

import { describe, expect, it } from 'vitest';
import { serviceOf, startInstance, startProxy } from '../../support/proxy.ts';

describe('a service that sheds under overload', () => {
  it('answers 503 with Retry-After at once while its instances answer late', async () => {
    let processingMs = 0;
    const instance = await startInstance((_, response) => setTimeout(() => response.end('ok'), processingMs));
    const { proxy, url } = await startProxy([]);
    const service = serviceOf({
      name: 'pilotnet',
      ports: [instance.port],
      policy: { name: 'qedge', options: {} },
      qos: { latencyMs: 200 },
    });
    await proxy.applyServices([service]);
    const refused: Response[] = [];
    for (let round = 0; round < 20 && refused.length === 0; round++) {
      // In time at first: of a service that never was, nothing is refused.
      processingMs = round < 2 ? 0 : 250;
      const batch = Array.from({ length: 8 }, () => fetch(url, { headers: { 'X-QEdge-Service': 'pilotnet' } }));
      for (const answer of await Promise.all(batch)) {
        await answer.text();
        if (answer.status === 503) refused.push(answer);
        else expect(answer.status).toBe(200);
      }
      // Time of the router's own: a step for each round, however slow the machine is.
      service.router.tick(performance.now() + 1000 * round);
    }
    expect(refused[0]?.headers.get('x-qedge-error')).toBe('overloaded');
    expect(refused[0]?.headers.get('retry-after')).toBe('1');
  });
});
