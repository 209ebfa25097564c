// What this node offers: its announcer, made after the configuration, and what the cache knows of it. Own instances are
// used here like any other, with a broker or without.

import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { DeviceLoad, Instance } from '../core/domain.ts';
import type { Rng } from '../core/rng.ts';
import type { Logger } from '../telemetry/log.ts';
import { type Acceptance, matches } from './acceptance.ts';
import { Announcer } from './announcer.ts';
import type { PlacementCache } from './cache/placement-cache.ts';

export interface OwnInstancesOptions {
  readonly cache: PlacementCache;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly boot: string;
  /** Port of this node's qedge, for other nodes' probes; null when they cannot reach it. */
  readonly probePort: () => number | null;
  /** What is announced changed. */
  readonly onOffer: () => void;
  /** The cache changed: grace periods may run. */
  readonly onChange: () => void;
}

/** What one configuration makes of this node. */
export interface Offer {
  readonly config: Config;
  readonly acceptance: Acceptance;
  /** Own instances that are known to be fit. */
  readonly fit: readonly Instance[];
  readonly load: DeviceLoad | null;
  /** Publishes retained; resolves to whether the broker took it. */
  readonly publish: (topic: string, payload: string) => Promise<boolean>;
}

export class OwnInstances {
  readonly #options: OwnInstancesOptions;

  constructor(options: OwnInstancesOptions) {
    this.#options = options;
  }

  /** Drops what is not offered any more, and makes the announcer of what is. */
  offer({ config, acceptance, fit, load, publish }: Offer): Announcer {
    this.#drop(config, fit);
    const { rng, log, boot, probePort } = this.#options;
    const { id, address, tier, labels } = config.node;
    const port = address === null || !announcesNode(config) ? null : probePort();
    return new Announcer({
      prefix: config.mqtt?.topicPrefix ?? '',
      node: announcesNode(config)
        ? {
            id,
            address,
            probePort: port,
            ...(config.proxy.tls === null ? {} : { probeTls: true }),
            tier,
            labels,
            boot,
            load,
          }
        : null,
      learning: config.fl,
      nodeId: id,
      boot,
      announce: config.announce,
      fit,
      rng,
      log,
      publish,
      mayPublish: (host) => isAlone(config) || acceptance.mayPublish(host),
      onLocal: (instance, up) => {
        this.#set(config, instance, up);
        this.#options.onOffer();
      },
    });
  }

  #set(config: Config, instance: Instance, up: boolean): void {
    if (!isWanted(config, instance)) return;
    const { cache, clock, onChange } = this.#options;
    if (up) cache.claims.set('local', instance, { nowMs: clock.nowMs() });
    else cache.claims.remove('local', instance, clock.nowMs());
    onChange();
  }

  #drop(config: Config, fit: readonly Instance[]): void {
    const { cache, clock } = this.#options;
    for (const { source, instance } of cache.instances()) {
      if (source !== 'local') continue;
      const stays = isWanted(config, instance) && fit.some((one) => isDeepStrictEqual(one, instance));
      if (!stays) cache.claims.remove('local', instance, clock.nowMs());
    }
  }
}

/** Whether this node is spoken of on the broker. */
export function announcesNode({ mqtt, node, announce }: Config): boolean {
  return mqtt?.native === true && (node.address !== null || announce.length > 0);
}

/** Nothing that this node announces is heard by another one. */
const isAlone = ({ mqtt, placement: { mdns } }: Config): boolean => mqtt === null && mdns?.announce !== true;

/** Its service is served here, and it has what that demands. */
function isWanted({ services }: Config, { service, labels }: Instance): boolean {
  const served = services.find(({ name }) => name === service);
  return served !== undefined && matches(labels, served.constraints);
}
