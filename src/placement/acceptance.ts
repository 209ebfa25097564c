// May this be known here? One answer for every source that speaks of other nodes: the broker, the store, and what was known before
// the configuration changed.

import type { Config, ListenAddress } from '../config/config.ts';
import { isLoopback } from '../config/loopback.ts';
import type { Instance, Labels, Node } from '../core/domain.ts';
import { type AddressPolicy, createAddressPolicy } from './address-policy.ts';

/** What may be known here, by the configuration. */
export interface Acceptance {
  readonly addresses: AddressPolicy;
  /** Its service is served here, and it has what that demands. */
  fits(instance: Instance): boolean;
  /**
   * Why the instance may not be used, naming what is wrong; null when it may be. `ofThisMachine`: what says so can only mean
   * this machine by loopback.
   */
  refusal(instance: Instance, said?: { readonly ofThisMachine: boolean }): string | null;
  /** The node, without an address at which it may not be asked. */
  ofNode(node: Node): Node;
  /**
   * Whether a host may be announced to others: loopback is another machine on each of them, unless all are known to be one
   * (`placement.allow` says so).
   */
  mayPublish(host: string): boolean;
}

/** Makes the acceptance of a configuration; again at a reload. `ownListeners`: asked each time, since ports bind later. */
export function createAcceptance(config: Config, ownListeners: () => readonly ListenAddress[]): Acceptance {
  const addresses = createAddressPolicy({ allow: config.placement.allow, ownListeners });
  const constraints = new Map(config.services.map((service) => [service.name, service.constraints]));
  const fits = ({ service, labels }: Instance): boolean => {
    const wanted = constraints.get(service);
    return wanted !== undefined && matches(labels, wanted);
  };
  return {
    addresses,
    fits,
    refusal(instance, { ofThisMachine } = { ofThisMachine: false }) {
      if (!fits(instance)) return `service ${instance.service} is not served, or demands other labels`;
      const { host, port } = instance;
      return ofThisMachine && isLoopback(host) ? addresses.loopRefusal(host, port) : addresses.refusal(host, port);
    },
    ofNode(node) {
      const refused = node.address !== null && addresses.refusal(node.address, node.probePort ?? 0) !== null;
      return refused ? { ...node, address: null, probePort: null } : node;
    },
    mayPublish: (host) => !isLoopback(host) || addresses.allows(host),
  };
}

/** Whether `labels` has each of `wanted` with its value. */
export function matches(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
