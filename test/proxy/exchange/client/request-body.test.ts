import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { ClientRequest } from '../../../../src/proxy/exchange/client/message.ts';
import { RequestBody } from '../../../../src/proxy/exchange/client/request-body.ts';
import { Stopwatch } from '../../../../src/proxy/exchange/time/stopwatch.ts';
import { FieldTable } from '../../../../src/proxy/fields/fields.ts';

/** A request whose body does not end. */
class EndlessRequest extends EventEmitter {
  pause(): void {}
  resume(): void {}
}

it('bodies of unknown length that are due at the same moment begin to stream a few in a turn', async () => {
  let ready = 0;
  const listener = { onBodyReady: () => void ready++, onBodyFailed: () => {} };
  const options = {
    collectBytesMax: 65_536,
    bytesMax: 0,
    stopwatch: new Stopwatch(),
    nowMs: () => 0,
    fields: new FieldTable({}),
  };
  for (let i = 0; i < 100; i++) {
    new RequestBody(new EndlessRequest() as unknown as ClientRequest, listener, options).collect(null, false);
  }
  // All of them are due once the loop goes on.
  const endMs = performance.now() + 30;
  while (performance.now() < endMs);
  let most = 0;
  for (let before = 0; before < 100; before = ready) {
    await turn();
    most = Math.max(most, ready - before);
  }
  // Of 0.25 ms each, in 5 ms.
  expect(most).toBeLessThanOrEqual(20);
});
