// What is kept of placement over a restart.

import type { Instance, Node } from '../../core/domain.ts';
import type { KeptSource } from './records.ts';

/** Plain JSON, for the store. Static and local instances are not in it: they come from the config. */
export interface PlacementCacheExport {
  readonly version: 1;
  readonly nodes: readonly { readonly node: Node; readonly lostForMs: number | null }[];
  readonly instances: readonly {
    readonly source: KeptSource;
    readonly instance: Instance;
    readonly boot: string | null;
  }[];
}
