// What an instance may be made of, no matter which source announces it: names that can stand in a key, labels and a profile of
// a size that a message of the broker could have.

import type { Instance } from '../../core/domain.ts';
import { BadMessage, PAYLOAD_BYTES_MAX, readLabels, readText, show } from './bad-message.ts';
import { NAME_LENGTH_MAX } from './topics.ts';

/** Control characters separate the parts of a key, and a slash the node from the instance. */
const NAME = /^[^\p{Cc}\s/+#]+$/u;

/** @throws BadMessage */
export function assertBounded({ service, nodeId, id, host, labels, profile }: Instance): void {
  for (const [name, text] of Object.entries({ service, node: nodeId, id })) {
    if (text.length <= NAME_LENGTH_MAX && NAME.test(text)) continue;
    throw new BadMessage('name', `${name} is not a name: ${show(text)}`);
  }
  readText({ host }, 'host');
  readLabels({ labels });
  const bytes = profile === null ? 0 : JSON.stringify(profile).length;
  if (bytes <= PAYLOAD_BYTES_MAX) return;
  throw new BadMessage('size', `profile has ${bytes} bytes, more than ${PAYLOAD_BYTES_MAX}`);
}
