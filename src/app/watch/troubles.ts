// What is wrong around this node now, in one sentence each, for `qedge status`, the dashboard and the API: the cause and where
// to look, so that no search of the log is needed.

import type { NameState } from '../../net/resolver.ts';

export interface TroubleSources {
  readonly names: readonly NameState[];
  /** Null: no broker is configured. */
  readonly broker: {
    readonly connected: boolean;
    readonly url: string;
    readonly lastError: string | null;
    readonly refused: { readonly publish: string | null; readonly subscribe: string | null };
    readonly hasRival: boolean;
    readonly isUnheard: boolean;
  } | null;
  readonly sources: readonly { readonly source: string; readonly trouble: string | null }[];
  /** Live instances by service. */
  readonly instanceCounts: ReadonlyMap<string, number>;
}

/** What is wrong, a sentence each; empty when nothing is. */
export function troublesOf({ names, broker, sources, instanceCounts }: TroubleSources): readonly string[] {
  const empty = [...instanceCounts].filter(([, count]) => count === 0);
  return [
    ...(broker === null ? [] : brokerTroubles(broker)),
    ...sources.flatMap(({ source, trouble }) => (trouble === null ? [] : [`placement.${source}: ${trouble}`])),
    ...names.flatMap(({ name, addresses, failure }) =>
      failure === null ? [] : [nameTrouble(name, addresses, failure)],
    ),
    ...empty.map(([service]) => `service "${service}" has no instance: its requests get 503 no-instance`),
  ];
}

/** What an error of the broker most often means, and the key to look at; where it matters, by whether the URL speaks TLS. */
const HINTS: readonly (readonly [RegExp, string, tls?: boolean])[] = [
  [/not authorized|bad user ?name or password/i, 'see mqtt.username and mqtt.password'],
  [/ECONNREFUSED/, 'nothing listens there: see mqtt.url'],
  [
    /unexpected server response|socket hang up|Expected HTTP/i,
    'no WebSocket is spoken there: mqtt:// instead of ws://?',
  ],
  [
    /wrong version number|packet length|before secure TLS|EPROTO|ECONNRESET/i,
    'no TLS is spoken there: mqtt:// instead of mqtts://?',
    true,
  ],
  [/certificate|self.signed|altnames/i, 'see mqtt.ca'],
  [/connection closed|ECONNRESET/i, 'it hung up without a word: does it speak TLS (mqtts://)?', false],
];

function brokerTroubles(broker: NonNullable<TroubleSources['broker']>): readonly string[] {
  const { connected, url, lastError, refused, hasRival, isUnheard } = broker;
  if (hasRival) {
    return [`another process uses the id of this node at ${url}: each needs a node.id (and mqtt.client_id) of its own`];
  }
  if (!connected) return lastError === null ? [] : [unreachable(url, lastError)];
  const acl = "see the broker's access list";
  return [
    ...(refused.subscribe === null
      ? []
      : [`the broker ${url} does not let this node read ${refused.subscribe}: ${acl}`]),
    ...(refused.publish === null ? [] : [`the broker ${url} does not let this node write ${refused.publish}: ${acl}`]),
    ...(isUnheard
      ? [
          `what this node announces does not come back from ${url}, so this node may lack the right to publish or to subscribe: ${acl}`,
        ]
      : []),
  ];
}

function unreachable(url: string, lastError: string): string {
  return `the broker ${url} cannot be reached (${lastError})${brokerHint(url, lastError)}`;
}

/** Where to look after an error of the broker, to be put behind it; empty where nothing is known of it. */
export function brokerHint(url: string, lastError: string): string {
  const speaksTls = /^(?:mqtts|wss):/.test(url);
  const hint = HINTS.find(([pattern, , tls = speaksTls]) => tls === speaksTls && pattern.test(lastError))?.[1];
  return hint === undefined ? '' : `; ${hint}`;
}

function nameTrouble(name: string, addresses: readonly string[], failure: string): string {
  const now =
    addresses.length === 0 ? 'what is there gets no requests' : `its last addresses are used: ${addresses.join(', ')}`;
  return `the name "${name}" does not resolve (${failure}); ${now}`;
}
