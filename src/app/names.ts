// The hosts that a configuration names: what is to be resolved before anything connects to it.

import type { Config } from '../config/config.ts';
import { hostOfUrl } from '../config/values.ts';

/** Addresses among them, and one more than once where it is named more than once. */
export function namesIn({ services, announce, node, mqtt, traces }: Config): readonly string[] {
  const urls = [...(mqtt?.urls ?? []), ...(traces === null ? [] : [traces.endpoint])];
  return [
    ...services.flatMap(({ instances }) => instances.map(({ host }) => host)),
    ...announce.map(({ host }) => host),
    ...(node.address === null ? [] : [node.address]),
    ...urls.map(hostOfUrl),
  ];
}
