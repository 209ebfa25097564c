// What a connection reads into is shared with all others: nothing of it may be looked at later.

import { expect, it } from 'vitest';
import { deafInstance } from '../../../support/deaf-instance.ts';
import { FLAG, frame, hpack, TYPE } from '../../../support/http2-frames.ts';

it('a small piece of an answer is passed on as it came, though the connection breaks behind it', async () => {
  const instance = deafInstance();
  let body = '';
  const failed = new Promise<void>((resolve) => {
    instance.ask({
      onData: (chunk) => {
        body += chunk.toString();
      },
      onEnd: () => resolve(),
      onError: () => resolve(),
    });
  });
  instance.receive(frame(TYPE.settings, 0, 0));
  instance.receive(
    Buffer.concat([
      frame(TYPE.headers, FLAG.endHeaders, 1, hpack([[':status', '200']])),
      frame(TYPE.data, 0, 1, 'left'),
      frame(TYPE.data, 0, 99, 'of a stream that is idle'),
    ]),
  );
  await failed;
  expect(body).toBe('left');
});
