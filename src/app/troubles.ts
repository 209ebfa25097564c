// What is wrong around this node now, in one sentence each, for `qedge status`, the dashboard and the API: the cause and where
// to look, so that no search of the log is needed.

import type { NameState } from '../net/resolver.ts';

export interface TroubleSources {
  readonly names: readonly NameState[];
  /** Null: no broker is configured. */
  readonly broker: {
    readonly connected: boolean;
    readonly url: string;
    readonly connects: number;
    readonly lastError: string | null;
  } | null;
  /** Live instances by service. */
  readonly instanceCounts: ReadonlyMap<string, number>;
}

export function troublesOf({ names, broker, instanceCounts }: TroubleSources): readonly string[] {
  const empty = [...instanceCounts].filter(([, count]) => count === 0);
  return [
    ...(broker === null ? [] : brokerTroubles(broker)),
    ...names.flatMap(({ name, addresses, failure }) =>
      failure === null ? [] : [nameTrouble(name, addresses, failure)],
    ),
    ...empty.map(([service]) => `service "${service}" has no instance: its requests get 503 no-instance`),
  ];
}

/** Connections that another client of the same id ended: one may be a restart, more are a fight. */
const TAKEOVERS_MIN = 3;
const TAKEN_OVER = /goodbye with reason 142/;

/** What an error of the broker most often means, and the key to look at. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/not authorized|bad user ?name or password/i, 'see mqtt.username and mqtt.password'],
  [/ECONNREFUSED/, 'nothing listens there: see mqtt.url'],
  [/wrong version number|packet length too long/i, 'one side speaks TLS, the other does not: mqtt:// or mqtts://'],
  [/certificate|self.signed/i, 'see mqtt.ca'],
  [/connection closed/i, 'it hung up without a word: does it speak TLS (mqtts://)?'],
];

function brokerTroubles({
  connected,
  url,
  connects,
  lastError,
}: NonNullable<TroubleSources['broker']>): readonly string[] {
  if (lastError !== null && TAKEN_OVER.test(lastError) && connects >= TAKEOVERS_MIN) {
    return [`another client takes over the session at ${url} again and again: do two nodes have one node.id?`];
  }
  if (connected || lastError === null) return [];
  const hint = HINTS.find(([pattern]) => pattern.test(lastError))?.[1];
  return [`the broker ${url} cannot be reached (${lastError})${hint === undefined ? '' : `; ${hint}`}`];
}

function nameTrouble(name: string, addresses: readonly string[], failure: string): string {
  const now =
    addresses.length === 0 ? 'what is there gets no requests' : `its last addresses are used: ${addresses.join(', ')}`;
  return `the name "${name}" does not resolve (${failure}); ${now}`;
}
