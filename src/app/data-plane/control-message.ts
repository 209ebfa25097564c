// What changes a data plane while it runs. The main thread's own and those of the workers get the same messages and apply
// them in one place (data-plane.ts), so that they know the same.

import type { Config } from '../../config/config.ts';
import type { InstanceKey, PlacementUpdate } from '../../core/domain.ts';
import type { Summary } from '../../core/neighbours/summary.ts';
import type { RouterSnapshot } from '../../core/service-router.ts';
import type { Resolution } from '../../net/address-book.ts';

/** What changes a data plane; plain data, so that it reaches workers as it is. */
export type ControlMessage =
  /** Takes back what was learned `ageMs` ago, and decides from here on. */
  | { readonly kind: 'start'; readonly learned: readonly RouterSnapshot[]; readonly ageMs: number }
  | { readonly kind: 'placement'; readonly service: string; readonly update: PlacementUpdate }
  /** The first placement of these services is complete, or was waited for long enough; one that a reload brings has its own. */
  | { readonly kind: 'placement-known'; readonly services: readonly string[] }
  | { readonly kind: 'rtt'; readonly nodeId: string; readonly rttMs: number }
  /** Whether the clock of a node agrees with this one's. */
  | { readonly kind: 'clock'; readonly nodeId: string; readonly agrees: boolean }
  /** What a neighbour saw of a service's instances. */
  | { readonly kind: 'observations'; readonly nodeId: string; readonly service: string; readonly summary: Summary }
  | { readonly kind: 'node-gone'; readonly nodeId: string }
  /** What is known of a name changed; null: it is not kept any more. */
  | { readonly kind: 'name'; readonly name: string; readonly resolution: Resolution | null }
  /** What health checks found. */
  | { readonly kind: 'health'; readonly service: string; readonly key: InstanceKey; readonly healthy: boolean }
  /** An operator drains an instance, or takes that back. */
  | { readonly kind: 'drain-instance'; readonly service: string; readonly key: InstanceKey; readonly on: boolean }
  | { readonly kind: 'reset'; readonly service: string }
  /** Clients resume their TLS sessions in every event loop. */
  | { readonly kind: 'ticket-secret'; readonly secret: Uint8Array }
  | { readonly kind: 'configure'; readonly config: Config };
