// The file as a whole: its sections in the order in which people read them.

import type { Keys } from '../key.ts';
import { adminKeys } from './admin.ts';
import { announceKeys } from './announce.ts';
import { chainKeys } from './chain.ts';
import type { SchemaContext } from './context.ts';
import { flKeys } from './fl.ts';
import { logKeys } from './log.ts';
import { mqttKeys } from './mqtt.ts';
import { neighboursKeys } from './neighbours.ts';
import { nodeKeys } from './node.ts';
import { placementKeys } from './placement/placement.ts';
import { probeKeys } from './probe.ts';
import { proxyKeys } from './proxy.ts';
import { serviceKeys } from './service/service.ts';
import { storeKeys } from './store.ts';
import { tracesKeys } from './traces.ts';
import { updateKeys } from './update.ts';

/** A section of the file with its keys, in the order of the reference. */
export interface FileSection {
  /** As it is written: `[proxy]`, `[[service]]`. */
  readonly word: string;
  /** Property of `Config`. */
  readonly name: string;
  /** `table`: there with its defaults. `optional`: absent means off. `list`: any number of them. */
  readonly kind: 'table' | 'optional' | 'list';
  /** The shipped file begins with one of it. */
  readonly active?: boolean;
  readonly doc: string;
  readonly keys: Keys;
}

/** Every section with every key. The reference, the JSON Schema and the reload diff are made from this. */
export function fileSections(context: SchemaContext): readonly FileSection[] {
  const table = (word: string, keys: Keys, doc: string): FileSection => ({
    word,
    name: word,
    kind: 'table',
    doc,
    keys,
  });
  return [
    table('node', nodeKeys(context), 'This node.'),
    table('proxy', proxyKeys(context), 'The port that clients use.'),
    table('admin', adminKeys(), 'Health, metrics, the API and the dashboard.'),
    {
      word: 'mqtt',
      name: 'mqtt',
      kind: 'optional',
      doc: 'Where placements are learned and announced; leave the section out when all instances are listed below.',
      keys: mqttKeys(context, context.hostname),
    },
    table('placement', placementKeys(context), 'Which announced instances are believed.'),
    table('probe', probeKeys(), 'How round trips to other nodes are measured.'),
    table('neighbours', neighboursKeys(), 'What load balancers near by send one another of the instances.'),
    table('store', storeKeys(context), 'What survives a restart.'),
    table('log', logKeys(), 'What is written to standard output.'),
    {
      word: 'traces',
      name: 'traces',
      kind: 'optional',
      doc: 'A span for each request and one for each attempt, sent to a collector by OTLP/HTTP in JSON; without this section nothing is traced.',
      keys: tracesKeys(context),
    },
    table('update', updateKeys(), 'Which new binaries are accepted.'),
    {
      word: 'fl',
      name: 'fl',
      kind: 'optional',
      doc: 'What this node brings to federated learning (`qedge fl run`); without this section it takes no part.',
      keys: flKeys(),
    },
    {
      word: 'service',
      name: 'services',
      kind: 'list',
      active: true,
      doc: 'One for each service that clients ask for.',
      keys: serviceKeys(context),
    },
    {
      word: 'chain',
      name: 'chains',
      kind: 'list',
      doc: 'One for each row of services that a client asks for one after another, with one goal for the whole.',
      keys: chainKeys(),
    },
    {
      word: 'announce',
      name: 'announce',
      kind: 'list',
      doc: 'One for each instance that runs on this node and is offered to all.',
      keys: announceKeys(context),
    },
  ];
}
