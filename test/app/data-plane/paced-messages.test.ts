import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ControlMessage } from '../../../src/app/data-plane/control-message.ts';
import { PacedMessages } from '../../../src/app/data-plane/paced-messages.ts';

const placed = (n: number): ControlMessage => ({
  kind: 'placement',
  service: 'svc',
  update: { kind: 'instance-removed', key: `n/${n}` },
});
const START: ControlMessage = { kind: 'start', learned: [], ageMs: 0 };

function paced(eachMs: number): { readonly messages: PacedMessages; readonly applied: ControlMessage[] } {
  const applied: ControlMessage[] = [];
  const messages = new PacedMessages((message) => {
    applied.push(message);
    const endMs = performance.now() + eachMs;
    while (performance.now() < endMs);
  });
  return { messages, applied };
}

// The share of the turn that the test before used up is not this one's.
beforeEach(async () => {
  await turn();
});

describe('thousands of changes of the placement at once', () => {
  it('reach the data planes in their order, a few in each turn of the event loop', async () => {
    const { messages, applied } = paced(0.6);
    const sent = Array.from({ length: 60 }, (_, n) => placed(n));
    for (const message of sent) messages.send(message);
    messages.send({ kind: 'placement-known', services: ['a'] });
    const turns: number[] = [applied.length];
    while (applied.length <= 60) {
      await turn();
      turns.push(applied.length - turns.reduce((sum, count) => sum + count, 0));
    }
    expect(applied).toEqual([...sent, { kind: 'placement-known', services: ['a'] }]);
    expect(Math.max(...turns)).toBeLessThanOrEqual(3);
  });

  it('are all there before what was learned of them comes back', () => {
    const { messages, applied } = paced(0.6);
    const sent = Array.from({ length: 10 }, (_, n) => placed(n));
    for (const message of sent) messages.send(message);
    messages.send(START);
    expect(applied).toEqual([...sent, START]);
  });

  it('are overtaken by what concerns other things', () => {
    const { messages, applied } = paced(2);
    messages.send(placed(0));
    messages.send(placed(1));
    messages.send({ kind: 'reset', service: 'svc' });
    expect(applied).toEqual([placed(0), { kind: 'reset', service: 'svc' }]);
  });
});
