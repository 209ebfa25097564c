// An instance by its name among those of all services: what the cache and the sources know it by.

import { type Instance, instanceKey } from '../../core/domain.ts';

/** What an instance is called, wherever it listens. */
export type InstanceName = Pick<Instance, 'service' | 'nodeId' | 'id'>;

/** Names have no line breaks (topics.ts), so no two instances share an id. */
export function idOf(name: InstanceName): string {
  return `${name.service}\n${instanceKey(name)}`;
}
