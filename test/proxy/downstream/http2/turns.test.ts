// What many streams of HTTP/2 do at the same moment: it is spread over turns of the event loop.

import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { FLAG, type FrameClient, frame, frameClient, GET, hpack, TYPE } from '../../../support/http2-frames.ts';
import { startInstance, startProxy, type TestProxy } from '../../../support/proxy.ts';

const CLIENTS = 4;
/** Of each client. */
const STREAMS = 120;

/** Each asks for all of its streams in one write. */
function flood(port: number): FrameClient[] {
  const heads = Array.from({ length: STREAMS }, (_, index) =>
    frame(TYPE.headers, FLAG.endHeaders | FLAG.endStream, 2 * index + 1, hpack(GET)),
  );
  return Array.from({ length: CLIENTS }, () => frameClient(port, heads));
}

/** The most by which the requests in flight change from one turn to the next until there are `wanted`. */
async function largestStep({ proxy }: TestProxy, wanted: number): Promise<number> {
  let largest = 0;
  for (let last = proxy.stats().inFlight; last !== wanted; ) {
    await turn();
    const now = proxy.stats().inFlight;
    largest = Math.max(largest, Math.abs(now - last));
    last = now;
  }
  return largest;
}

it('hundreds of streams begin and end a few at a time, or a connection at a time', async () => {
  const { port } = await startInstance((request) => void request.resume());
  const limits = { inFlightMax: 1000, instanceInFlightMax: 1000, instanceConnectionsMax: 1000 };
  const proxy = await startProxy([{ name: 'svc', ports: [port], limits }]);
  const clients = flood(proxy.port);
  // How many begin in one turn depends on how quick they are: a turn has 5 ms for all. Without a share it is all of them.
  expect(await largestStep(proxy, CLIENTS * STREAMS)).toBeLessThanOrEqual((CLIENTS * STREAMS) / 2);
  for (const { socket } of clients) socket.resetAndDestroy();
  expect(await largestStep(proxy, 0)).toBeLessThanOrEqual(STREAMS);
});
