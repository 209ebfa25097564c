// What placement reports of itself; what it hears of a broker is in test/e2e.

import { describe, expect, it, vi } from 'vitest';
import { configFrom } from '../support/config.ts';
import { startPlacement } from '../support/placement.ts';

const toml = (wait: string): string =>
  `[node]\nid = "self"\n[placement]\nwait = "${wait}"\n[mqtt]\nurl = "mqtt://127.0.0.1:9"\n[[service]]\nname = "s"\nqos.latency = "1s"\n`;
const soon = { timeout: 60_000, interval: 5 };

describe('the first placement', () => {
  it('counts as known after placement.wait, with or without a broker, and again after a reload', async () => {
    const { placement, timesKnown } = startPlacement(toml('20ms'));
    expect(timesKnown()).toBe(0);
    await vi.waitFor(() => expect(timesKnown()).toBe(1), soon);
    placement.configure(configFrom(toml('30ms')));
    await vi.waitFor(() => expect(timesKnown()).toBe(2), soon);
  });

  it('counts as known when placement ends, since nothing more will be heard', async () => {
    const { placement, timesKnown } = startPlacement(toml('1h'));
    await placement.stop();
    expect(timesKnown()).toBe(1);
  });
});
