// What is kept over a restart, as plain JSON that others hand in and take back.

import type { Instance, Node } from '../core/domain.ts';
import type { RouterSnapshot } from '../core/service-router.ts';

/** What the store is given to keep. */
export interface StoreState {
  /** What each service's router learned; one a service. */
  readonly routers: readonly RouterSnapshot[];
  /** Where instances run, as the broker and the network said; null when neither is asked. */
  readonly placement: PlacementState | null;
}

/** The placement cache, as it exports itself. */
export interface PlacementState {
  readonly version: 1;
  readonly nodes: readonly PlacedNode[];
  readonly instances: readonly PlacedInstance[];
}

/** A node; `lostForMs`: how long ago its last will fired, null where it did not. */
export interface PlacedNode {
  readonly node: Node;
  readonly lostForMs: number | null;
}

/** An instance, by the source that named it. */
export interface PlacedInstance {
  readonly source: 'native' | 'informer' | 'dns' | 'mdns';
  readonly instance: Instance;
  readonly boot: string | null;
}

/** What the store gives back at the start. */
export interface RestoredState extends StoreState {
  /** How long ago it was kept, ms; `AGE_UNKNOWN_MS` after a boot of the machine. */
  readonly ageMs: number;
}
