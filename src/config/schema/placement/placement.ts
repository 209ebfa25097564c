// `[placement]`: which announced instances are believed, and how many.

import * as z from 'zod';
import { key, optionalSubtable } from '../../key.ts';
import { cidr, count, duration } from '../../values.ts';
import type { SchemaContext } from '../context.ts';
import { dnsSourceKeys, dockerSourceKeys, fileSourceKeys, mdnsSourceKeys } from './sources.ts';

/**
 * Private, carrier-grade NAT and unique local networks. Left out on purpose: link-local (169.254.0.0/16 holds the metadata
 * services of clouds), everything public, and loopback, by which a publisher would point every node at its own services.
 */
const PRIVATE_NETWORKS = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'];

/** Networks that are believed where none are named. */
export const defaultNetworks = (oneMachine: boolean): string[] =>
  oneMachine ? [...PRIVATE_NETWORKS, '127.0.0.0/8', '::1/128'] : PRIVATE_NETWORKS;

/** `oneMachine`: the rest of the configuration says that all nodes are processes of this machine. */
export const placementKeys = (context: SchemaContext, oneMachine = false) => ({
  allow: key('allow', z.array(cidr), {
    doc: 'Networks that announced addresses must be in. Metadata services of clouds never are. Where node.address and all of mqtt.url are on loopback, all nodes are one machine, and the default has loopback as well.',
    default: defaultNetworks(oneMachine),
  }),
  wait: key('waitMs', duration({ zero: true }), {
    doc: 'How long, from the start, requests of a service without an instance wait for the first to be announced, though no longer than its `timeout` and their own deadline. "0s": they are refused.',
    default: '2s',
  }),
  node_grace: key('nodeGraceMs', duration({ zero: true }), {
    doc: 'The instances of a node that left unseen get no new traffic, and are forgotten after this.',
    default: '30s',
  }),
  reach: key('reach', z.boolean(), {
    doc: "Learn only the instances of nodes near enough to meet some service's latency limit.",
    default: true,
  }),
  instances_max: key('instancesMax', count(1, 65_536), {
    doc: 'Instances that one service may have.',
    reload: 'restart',
    default: 4096,
  }),
  file: optionalSubtable('file', fileSourceKeys(context), {
    doc: 'Instances that a file, or the files of a folder, list: read again when they change.',
    toggle: 'live',
  }),
  docker: optionalSubtable('docker', dockerSourceKeys(), {
    doc: 'Containers of this machine with the labels qedge.service, qedge.port, qedge.scheme, qedge.id, qedge.network, qedge.label.* and qedge.profile.*: followed by the events of the engine.',
    toggle: 'live',
  }),
  mdns: optionalSubtable('mdns', mdnsSourceKeys(), {
    doc: 'Instances of the nodes on the same network, found by multicast DNS (DNS-SD, _qedge._tcp) without a broker or any other server.',
    toggle: 'live',
  }),
  dns: optionalSubtable('dns', dnsSourceKeys(), {
    doc: 'Instances that DNS names: asked again when an answer is out of date, gone when the servers say that there is none.',
    toggle: 'live',
  }),
});
