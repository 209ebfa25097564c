// An [[announce]] without any broker: this node checks its own instances and uses them.

import { describe, expect, it, vi } from 'vitest';
import { configFrom } from '../support/config.ts';
import { startHealthEndpoint } from '../support/health-endpoint.ts';
import { startPlacement } from '../support/placement.ts';

const soon = { timeout: 60_000, interval: 10 };
vi.setConfig({ testTimeout: 120_000 });

const announced = (port: number, labels = '{}'): string => `
[node]
id = "self"
[[announce]]
service = "pilotnet"
id = "a"
url = "http://127.0.0.1:${port}"
labels = ${labels}
health = { kind = "http", path = "/", interval = "20ms", timeout = "1s", failures_max = 2 }
[[service]]
name = "pilotnet"
qos = { latency = "80ms", success = 0.9, window = "10s" }
`;

describe('own instances without a broker', () => {
  it('are used while they are healthy', async () => {
    const instance = await startHealthEndpoint();
    const { keys } = startPlacement(announced(instance.port));
    await vi.waitFor(() => expect(keys()).toEqual(['self/a up']), soon);
    instance.answerWith(503);
    await vi.waitFor(() => expect(keys()).toEqual([]), soon);
    instance.answerWith(200);
    await vi.waitFor(() => expect(keys()).toEqual(['self/a up']), soon);
  });

  it('are used only where they have what their service demands, before a reload and after it', async () => {
    const { port } = await startHealthEndpoint();
    const demanding = (labels: string): string =>
      `${announced(port, labels)}constraints = { accelerator = "hailo-8" }\n`;
    const { keys, placement, logLines } = startPlacement(demanding('{ zone = "a" }'));
    await vi.waitFor(
      () => expect(logLines).toContainEqual(expect.objectContaining({ msg: 'instance announced' })),
      soon,
    );
    expect(keys()).toEqual([]);
    placement.configure(configFrom(demanding('{ accelerator = "hailo-8" }')));
    await vi.waitFor(() => expect(keys()).toEqual(['self/a up']), soon);
    placement.configure(configFrom(demanding('{ zone = "a" }')));
    await vi.waitFor(() => expect(keys()).toEqual([]), soon);
  });

  it('are left where they are by a reload that does not concern them', async () => {
    const { port } = await startHealthEndpoint();
    const { keys, placement, updates } = startPlacement(announced(port));
    await vi.waitFor(() => expect(keys()).toEqual(['self/a up']), soon);
    const said = updates.length;
    placement.configure(configFrom(announced(port).replace('"80ms"', '"90ms"')));
    placement.configure(configFrom(`${announced(port)}instances = ["http://127.0.0.1:9001"]\n`));
    await vi.waitFor(() => expect(keys()).toEqual(['127.0.0.1/9001 up', 'self/a up']), soon);
    expect(updates.slice(said)).toMatchObject([{ kind: 'instance-set', instance: { nodeId: '127.0.0.1' } }]);
  });
});
