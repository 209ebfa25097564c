// Long answers, made a little at a time: a service may have thousands of instances, and to put all of them into words at once
// would hold the event loop that serves clients as well. Each slice takes its share of a turn (in-turns.ts), and none is made
// before the one before it is taken, so that a slow reader keeps no more than that.

import { inTurns } from '../net/in-turns.ts';

/** A slice is this long, so that a short answer is not sent word by word. */
const SLICE_CHARACTERS = 16 * 1024;

/** The text of `parts` in slices; an empty part is a place to pause. */
export async function* inSlices(parts: Iterable<string>): AsyncGenerator<string> {
  let text = '';
  for await (const part of inTurns(parts)) {
    text += part;
    if (text.length < SLICE_CHARACTERS) continue;
    yield text;
    text = '';
  }
  if (text.length > 0) yield text;
}

/** The same as the body of an answer. */
export function slicedBody(parts: Iterable<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const slices = inSlices(parts);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done = false, value } = await slices.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      await slices.return(undefined);
    },
  });
}
