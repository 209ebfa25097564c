// Names that the running qedge knows, for a shell that waits for them.

import type { StateDocument } from '../../admin/state/state.ts';
import { type AdminClientOptions, adminAddress } from '../admin-address.ts';
import { briefRequest } from '../brief-request.ts';

/** A person at a prompt waits no longer. */
const ANSWER_TIMEOUT_MS = 2_000;

type Kind = 'service' | 'instance' | 'client';

/** Each as `name<TAB>what it is`. Empty where no qedge answers, for any reason: a prompt is no place for complaints. */
export async function runningNames(kinds: readonly Kind[], options: AdminClientOptions): Promise<readonly string[]> {
  const state = await stateOf(options).catch(() => null);
  return state === null ? [] : kinds.flatMap((kind) => namesOf(kind, state));
}

function namesOf(kind: Kind, { services }: StateDocument): readonly string[] {
  switch (kind) {
    case 'service':
      return services.map(({ service, instances }) => `${service}\tservice, instances: ${instances.length}`);
    case 'instance':
      return services.flatMap(({ service, instances }) => instances.map(({ key }) => `${key}\tof ${service}`));
    case 'client':
      return services.flatMap(({ service, clients }) => clients.map(({ clientId }) => `${clientId}\tof ${service}`));
  }
}

async function stateOf(options: AdminClientOptions): Promise<StateDocument> {
  const { text } = await briefRequest(adminAddress(options), '/api/v1/state', ANSWER_TIMEOUT_MS);
  return JSON.parse(text) as StateDocument;
}
