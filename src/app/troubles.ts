// What is wrong around this node now, in one sentence each, for `qedge status`, the dashboard and the API: the cause and where
// to look, so that nobody has to search the log for it.

import type { NameState } from '../net/resolver.ts';

export interface TroubleSources {
  readonly names: readonly NameState[];
}

export function troublesOf({ names }: TroubleSources): readonly string[] {
  return names.flatMap(({ name, addresses, failure }) =>
    failure === null ? [] : [nameTrouble(name, addresses, failure)],
  );
}

function nameTrouble(name: string, addresses: readonly string[], failure: string): string {
  const now =
    addresses.length === 0 ? 'what is there gets no requests' : `its last addresses are used: ${addresses.join(', ')}`;
  return `the name "${name}" does not resolve (${failure}); ${now}`;
}
