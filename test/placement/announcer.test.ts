import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { createRng } from '../../src/core/rng.ts';
import { addressBook } from '../../src/net/address-book.ts';
import { Announcer } from '../../src/placement/announcer.ts';
import { createLogger } from '../../src/telemetry/log.ts';

it('a node whose name is still being resolved is not announced again once it was taken back', async () => {
  const address = 'slow.test';
  addressBook.set(address, { kind: 'pending' });
  onTestFinished(() => addressBook.set(address, null));
  const published: string[] = [];
  const announcer = new Announcer({
    prefix: 'q',
    node: { id: 'n', address, probePort: null, tier: null, labels: {}, boot: 'b' },
    learning: null,
    nodeId: 'n',
    boot: 'b',
    announce: [],
    fit: [],
    rng: createRng(1),
    log: createLogger({ level: 'silent', nodeId: 'n', destination: { write() {} } }),
    publish: async (topic, payload) => {
      published.push(`${topic} ${payload}`);
      return true;
    },
    mayPublish: () => true,
    onLocal: () => {},
  });
  announcer.start();
  const announced = announcer.announceAll();
  // By then it waits for the name.
  await nextTurn();
  announcer.stop();
  await announcer.takeBack();
  addressBook.set(address, { kind: 'known', addresses: ['10.0.0.1'] });
  await announced;
  expect(published).toEqual(['q/nodes/n ']);
});
