// What every exchange shares.

import type { ProxyConfig } from '../../config/config.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Tracer } from '../../telemetry/traces/tracer.ts';
import type { FieldTable } from '../fields/fields.ts';
import type { ProxyMetrics } from '../metrics.ts';
import type { ServiceRuntime } from '../service.ts';
import type { ChainEntry } from './arrival/chain-entry.ts';
import type { ServiceTable } from './arrival/service-match.ts';
import type { OwnFaults } from './record/own-faults.ts';
import type { BaggageDeadlines } from './time/baggage-deadlines.ts';
import type { UnreadDeadlines } from './time/unread-deadlines.ts';

/** One a data plane; a reload changes what it holds. */
export interface ProxyContext {
  /** Name in X-QEdge-Instance of answers this proxy gives itself, and in Via: `qedge-<node>`. */
  readonly viaName: string;
  readonly config: ProxyConfig;
  readonly nowMs: () => number;
  readonly log: Logger;
  readonly accessLog: boolean;
  readonly metrics: ProxyMetrics;
  readonly ownFaults: OwnFaults;
  /** Null: nothing is traced, and nothing is done for it. */
  readonly tracer: Tracer | null;
  readonly requestFields: FieldTable;
  /** What the keys of TLS session tickets are derived from. */
  readonly ticketSecret: Uint8Array;
  readonly services: ServiceTable<ServiceRuntime>;
  readonly unreadDeadlines: UnreadDeadlines;
  /** Null: deadlines are not carried so. */
  readonly baggage: BaggageDeadlines | null;
  /** Null: there are none, and nothing is done for them. */
  readonly chains: ChainEntry | null;
  /** Set once the drain's grace is over: new requests are sent away. */
  readonly refusing: boolean;
  /** Set from the first moment of a drain: answers say `connection: close`. */
  readonly draining: boolean;
}
