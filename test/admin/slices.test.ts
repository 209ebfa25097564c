import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { inSlices, slicedBody } from '../../src/admin/slices.ts';
import { startAdmin } from '../support/admin.ts';
import { PATIENCE } from '../support/patience.ts';
import { instanceStateOf, routerStateOf } from '../support/router-state.ts';

const PART = 'x'.repeat(1000);

/** `count` parts, each of which takes some time to make. */
function* slowParts(count: number, made: { parts: number }): Iterable<string> {
  for (; made.parts < count; made.parts++) {
    const endMs = performance.now() + 0.5;
    while (performance.now() < endMs);
    yield PART;
  }
}

describe('a long text', () => {
  it('leaves turns of the event loop to others while it is made', async () => {
    let turns = 0;
    let done = false;
    const counting = (async () => {
      for (; !done; turns++) await turn();
    })();
    let text = '';
    for await (const slice of inSlices(slowParts(200, { parts: 0 }))) text += slice;
    done = true;
    await counting;
    expect(text).toBe(PART.repeat(200));
    // 100 ms of work, 1 ms a turn; a busy machine gets less done in each.
    expect(turns).toBeGreaterThan(15);
  });

  it('is made no further than its reader reads', async () => {
    const made = { parts: 0 };
    const reader = slicedBody(slowParts(10_000, made)).getReader();
    await reader.read();
    await turn();
    await turn();
    expect(made.parts).toBeLessThan(100);
    await reader.cancel();
    const { parts } = made;
    await turn();
    expect(made.parts).toBe(parts);
  });
});

describe('a node with thousands of instances', () => {
  const instances = Array.from({ length: 1000 }, (_, i) => instanceStateOf(`n${i}`));

  it('has all of them in its metrics and in its state', async () => {
    const { url } = await startAdmin([routerStateOf({ instances })]);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics.match(/^qedge_instance_weight_ratio\{/gm)).toHaveLength(1000);
    const state = await (await fetch(`${url}/api/v1/state`)).json();
    expect(JSON.stringify(state)).toContain(JSON.stringify(instances));
    const live = new WebSocket(`${url.replace('http', 'ws')}/api/v1/live`);
    const messages: string[] = [];
    live.onmessage = ({ data }) => messages.push(data);
    await expect.poll(() => messages.some((text) => text.includes('"n999/a"')), PATIENCE).toBe(true);
    live.close();
  });
});
