// The Kubernetes informer's wire format, as recorded by hand, over a real broker.
// requires: mosquitto

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { startMosquitto } from '../support/mosquitto.ts';
import { publisher, retain, startPlacement, type TestPlacement } from '../support/placement.ts';
import { startRelay } from '../support/tcp-relay.ts';

// Real processes on a machine that may be busy: what counts is that it happens, not how soon.
vi.setConfig({ testTimeout: 240_000 });

const qedge = (url: string): string => `
[node]
id = "self"
[mqtt]
url = "${url}"
informer = true
[placement]
allow = ["10.0.0.0/8"]
reach = false
[[service]]
name = "pilotnet"
qos = { latency = "80ms", success = 0.9, window = "10s" }
`;

interface Step {
  readonly note?: string;
  readonly topic: string;
  readonly payload: string;
  /** What is to be known after it. */
  readonly running: readonly string[];
}

const trace = readFileSync(join(import.meta.dirname, '../placement/fixtures/informer-trace.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Step);

const soon = { timeout: 60_000, interval: 10 };

const running = ({ placement }: TestPlacement): readonly string[] =>
  placement
    .state()
    .instances.map(({ instance }) => `${instance.id} ${instance.host}:${instance.port}`)
    .sort();

const received = ({ placement }: TestPlacement): number => placement.state().broker?.messagesReceived ?? 0;

describe("the informer's trace", () => {
  it('gives what runs, step by step, through duplicates, gaps and wrong order', async () => {
    const broker = await startMosquitto();
    const client = await publisher(broker.url);
    const qedgePlacement = startPlacement(qedge(broker.url));
    await vi.waitFor(() => expect(qedgePlacement.placement.state().broker?.synced).toBe(true), soon);
    let expected = received(qedgePlacement);
    for (const { topic, payload, running: wanted, note } of trace) {
      await client.publishAsync(topic, payload, { qos: 1 });
      if (!topic.includes('/service/other/')) expected++;
      await vi.waitFor(() => expect(received(qedgePlacement)).toBe(expected), soon);
      expect({ note, running: running(qedgePlacement) }).toEqual({ note, running: wanted.toSorted() });
    }
    expect(qedgePlacement.placement.state().rejected).toBe(1);
  });

  it('stands beside the native topics', async () => {
    const broker = await startMosquitto();
    const client = await publisher(broker.url);
    const both = startPlacement(qedge(broker.url));
    await vi.waitFor(() => expect(both.placement.state().broker?.synced).toBe(true), soon);
    await retain(client, 'qedge/v1/nodes/n1/services/pilotnet/instances/native', { host: '10.0.0.1', port: 1 });
    const [first, second] = trace;
    for (const step of [first, second]) await client.publishAsync(step?.topic ?? '', step?.payload ?? '', { qos: 1 });
    await vi.waitFor(() => expect(both.keys()).toEqual(['k3s-1/pilotnet-7d9c6b8f4-2xkqp up', 'n1/native up']), soon);
  });

  it('is not torn by a lost connection: the broker keeps its events until we are back', async () => {
    const broker = await startMosquitto();
    const relay = await startRelay(broker.port);
    const client = await publisher(broker.url);
    const remote = startPlacement(qedge(`mqtt://127.0.0.1:${relay.port}`));
    await vi.waitFor(() => expect(remote.placement.state().broker?.synced).toBe(true), soon);
    relay.cut();
    await vi.waitFor(() => expect(remote.placement.state().broker?.connected).toBe(false), soon);
    for (const { topic, payload } of trace) await client.publishAsync(topic, payload, { qos: 1 });
    relay.mend();
    await vi.waitFor(() => expect(running(remote)).toEqual(trace.at(-1)?.running.toSorted()), soon);
  });
});
