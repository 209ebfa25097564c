import { expect, it } from 'vitest';
import { boundConfig } from '../../../src/app/workers/bound-config.ts';
import { diffConfig } from '../../../src/config/diff.ts';
import { configFrom } from '../../support/config.ts';

const SERVICE = '[[service]]\nname = "a"\nqos.latency = "80ms"\n';

it('an event loop that starts late takes what is live from the reload, and what is bound from the start', () => {
  const started = configFrom(`[node]\nid = "n"\n[proxy]\nlisten = "127.0.0.1:1"\nworkers = 2\n${SERVICE}`);
  const reloaded = configFrom(
    `[node]\nid = "n"\n[proxy]\nlisten = "127.0.0.1:2"\nworkers = 3\nheaders_max = "1KiB"\nconnections_max = 9\ndrain = "1s"\n` +
      `[placement]\ninstances_max = 5\n${SERVICE}`,
  );
  const config = boundConfig(started, reloaded);
  expect(diffConfig(started, config).restart).toEqual([]);
  expect(diffConfig(started, config).live).toEqual(['proxy.drainMs']);
});
