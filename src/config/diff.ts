// What a reload changes: which services come, go and stay, which ports open and close, and what only a restart takes over.

import { isDeepStrictEqual } from 'node:util';
import type { AnnounceConfig, ChainConfig, Config, ListenAddress, ServiceConfig } from './config.ts';
import type { Keys, Reload } from './key.ts';
import { type FileSection, fileSections } from './schema/file.ts';

export interface ConfigDiff {
  readonly services: ListDiff<ServiceConfig>;
  readonly chains: ListDiff<ChainConfig>;
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

/** Every section that is one table. Services, chains and announcements are compared as lists. */
function tables(): readonly FileSection[] {
  return fileSections({ directory: '', hostname: '', stateDirectory: null }).filter(({ kind }) => kind !== 'list');
}

/** What a reload has to do: lists by name, and keys that need a restart. */
export function diffConfig(before: Config, after: Config): ConfigDiff {
  const services = diffList(before.services, after.services, ({ name }) => name);
  const chains = diffList(before.chains, after.chains, ({ name }) => name);
  const announce = diffList(before.announce, after.announce, ({ service, id }) => `${service}/${id}`);
  const listeners = diffList(listenersOf(before), listenersOf(after), ({ service }) => service);
  const differing = tables().flatMap((table) => differingKeys(table, before, after));
  const live = differing.filter(({ reload }) => reload === 'live').map(({ name }) => name);
  const restart = differing.filter(({ reload }) => reload === 'restart').map(({ written }) => written);
  const isEmpty = differing.length === 0 && isEmptyList(services) && isEmptyList(chains) && isEmptyList(announce);
  return { services, chains, announce, listeners, live, restart, isEmpty };
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

interface DifferingKey {
  /** In `Config`: `proxy.drainMs`. */
  readonly name: string;
  /** As a person writes it: `proxy.drain`. */
  readonly written: string;
  readonly reload: Reload;
}

function differingKeys({ name, word, kind, keys }: FileSection, before: Config, after: Config): DifferingKey[] {
  const old = sectionOf(before, name);
  const wanted = sectionOf(after, name);
  if (kind === 'optional')
    return isDeepStrictEqual(old, wanted) ? [] : [{ name, written: word, reload: wholeOf(keys) }];
  return Object.entries(keys)
    .filter(([, key]) => !isDeepStrictEqual(old?.[key.name], wanted?.[key.name]))
    .map(([written, key]) => ({
      name: `${name}.${key.name}`,
      written: `${word}.${written}`,
      reload: (comesOrGoes(old?.[key.name], wanted?.[key.name]) ? key.toggle : null) ?? key.reload,
    }));
}

const sectionOf = (config: Config, name: string): Readonly<Record<string, unknown>> | null =>
  (config as unknown as Readonly<Record<string, Readonly<Record<string, unknown>> | null>>)[name] ?? null;

/** A section that may be absent is applied as a whole: a restart where any of its keys takes one. */
const wholeOf = (keys: Keys): Reload =>
  Object.values(keys).some(({ reload }) => reload === 'restart') ? 'restart' : 'live';

/** The table comes or goes: other certificates are live, another kind of listener is not. */
const comesOrGoes = (before: unknown, after: unknown): boolean => (before === null) !== (after === null);
