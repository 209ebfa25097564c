// What a reload changes: which services come, go and stay, which ports open and close, and what only a restart takes over.

import { isDeepStrictEqual } from 'node:util';
import type { AnnounceConfig, Config, ListenAddress, ServiceConfig } from './config.ts';

export interface ConfigDiff {
  readonly services: ListDiff<ServiceConfig>;
  readonly announce: ListDiff<AnnounceConfig>;
  /** Ports of services; the shared one and the admin port are not among them. */
  readonly listeners: ListDiff<NamedListener>;
  /** Keys of `Config` (`proxy.drainMs`) of everything else that differs and can be taken over while running. */
  readonly live: readonly string[];
  /** Keys as they are written (`proxy.headers_max`) that differ and take a restart: another identity, other ports. */
  readonly restart: readonly string[];
  /** True when nothing differs. */
  readonly isEmpty: boolean;
}

export interface ListDiff<T> {
  readonly added: readonly T[];
  readonly removed: readonly T[];
  readonly changed: readonly { readonly before: T; readonly after: T }[];
}

export interface NamedListener {
  readonly service: string;
  readonly address: ListenAddress;
}

/** Key of `Config` → as it is written. Who a node is, what it binds and what it has open cannot change under what runs. */
const RESTART_KEYS: ReadonlyMap<string, string> = new Map([
  ['node.id', 'node.id'],
  ['proxy.listen', 'proxy.listen'],
  ['proxy.workers', 'proxy.workers'],
  ['proxy.headerBytesMax', 'proxy.headers_max'],
  ['proxy.connectionsMax', 'proxy.connections_max'],
  ['admin.listen', 'admin.listen'],
  ['store.path', 'store.path'],
  ['store.flushMs', 'store.flush'],
  ['log.format', 'log.format'],
  ['placement.instancesMax', 'placement.instances_max'],
  ['placement.nodeGraceMs', 'placement.node_grace'],
]);

/** Sections compared key by key; `mqtt` as a whole, since it may be absent: a new connection takes all of it. */
const SECTIONS = ['node', 'proxy', 'admin', 'placement', 'probe', 'store', 'log', 'update'] as const;

export function diffConfig(before: Config, after: Config): ConfigDiff {
  const services = diffList(before.services, after.services, ({ name }) => name);
  const announce = diffList(before.announce, after.announce, ({ service, id }) => `${service}/${id}`);
  const listeners = diffList(listenersOf(before), listenersOf(after), ({ service }) => service);
  const keys = SECTIONS.flatMap((section) => differingKeys(section, before[section], after[section]));
  if (!isDeepStrictEqual(before.mqtt, after.mqtt)) keys.push('mqtt');
  const restart = keys.flatMap((key) => RESTART_KEYS.get(key) ?? []);
  const live = keys.filter((key) => !RESTART_KEYS.has(key));
  if (!isDeepStrictEqual(before.traces, after.traces)) restart.push('traces');
  // Other certificates are taken over by what listens already; TLS or none is another listener.
  if ((before.proxy.tls === null) !== (after.proxy.tls === null)) restart.push('proxy.tls');
  const isEmpty = keys.length === 0 && restart.length === 0 && isEmptyList(services) && isEmptyList(announce);
  return { services, announce, listeners, live, restart, isEmpty };
}

function listenersOf({ services }: Config): NamedListener[] {
  return services.flatMap(({ name, listen }) => (listen === null ? [] : [{ service: name, address: listen }]));
}

function diffList<T>(before: readonly T[], after: readonly T[], keyOf: (item: T) => string): ListDiff<T> {
  const old = new Map(before.map((item) => [keyOf(item), item]));
  const wanted = new Set(after.map(keyOf));
  return {
    added: after.filter((item) => !old.has(keyOf(item))),
    removed: before.filter((item) => !wanted.has(keyOf(item))),
    changed: after.flatMap((item) => {
      const earlier = old.get(keyOf(item));
      return earlier === undefined || isDeepStrictEqual(earlier, item) ? [] : [{ before: earlier, after: item }];
    }),
  };
}

const isEmptyList = ({ added, removed, changed }: ListDiff<unknown>): boolean =>
  added.length + removed.length + changed.length === 0;

function differingKeys<Section extends object>(name: string, before: Section, after: Section): string[] {
  const keys = Object.keys(after) as (keyof Section & string)[];
  return keys.filter((key) => !isDeepStrictEqual(before[key], after[key])).map((key) => `${name}.${key}`);
}
