// `[placement.…]`: where instances are learned from beside the broker.

import { isIP } from 'node:net';
import * as z from 'zod';
import type { HostPort, Scheme } from '../../../core/domain.ts';
import { key, required } from '../../key.ts';
import { duration, host, instanceUrl, name, parsed } from '../../values.ts';
import { filePath, type SchemaContext } from '../context.ts';

/** Keys of `[placement.file]`. */
export const fileSourceKeys = (context: SchemaContext) => ({
  path: required('path', filePath(context), {
    doc: 'A file of [[instance]] tables in TOML, or the same in JSON, or a folder of such files (*.toml, *.json).',
    example: 'instances.d',
  }),
});

/** A name that a service has in DNS; `port` null: it is asked for SRV records, which hold the ports. */
export interface ServiceName {
  readonly scheme: Scheme;
  readonly host: string;
  readonly port: number | null;
}

const serviceName: z.ZodType<ServiceName, string> = parsed(
  'expected a name such as "_pilotnet._tcp.edge.lan", or "pilotnet.edge.lan:9000"',
  (text) => {
    const [, scheme, rest = ''] = /^(?:(https?|h2c):\/\/)?(.*)$/.exec(text) ?? [];
    if (!/:\d+$/.test(rest)) {
      const isService = rest.startsWith('_') && host.safeParse(rest).success;
      return isService ? { scheme: (scheme ?? 'http') as Scheme, host: rest.replace(/\.$/, ''), port: null } : null;
    }
    const address = instanceUrl.safeParse(text).data;
    return address === undefined ? null : { ...address, host: address.host.replace(/\.$/, '') };
  },
);

const serviceNames = z.union(
  [serviceName.transform((one): readonly ServiceName[] => [one]), z.array(serviceName).min(1).max(16)],
  { error: 'expected a name such as "_pilotnet._tcp.edge.lan", or "pilotnet.edge.lan:9000", or a list of them' },
);

/** `"10.0.0.1"`, `"10.0.0.1:5353"`, `"fd00::1"`, `"[fd00::1]:5353"`. */
const nameServer: z.ZodType<HostPort, string> = parsed(
  'expected the address of a name server such as "10.0.0.1"',
  (text) => {
    const [, inBrackets, v4, port] = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
    const address = inBrackets ?? v4 ?? text;
    const number = port === undefined ? 53 : Number(port);
    return isIP(address) !== 0 && number >= 1 && number <= 65_535 ? { host: address, port: number } : null;
  },
);

/** Keys of `[placement.docker]`. */
export const dockerSourceKeys = () => ({
  socket: key('socketPath', z.string().min(1), {
    doc: 'Socket of the engine, Docker or Podman; it is only read.',
    default: '/var/run/docker.sock',
  }),
  address: key('reached', z.enum(['published', 'container']), {
    doc: 'Where a container is reached. "published": at the port of this machine that it is published at, and where there is none at its address in a network. "container": always the latter.',
    default: 'published',
  }),
});

/** Keys of `[placement.mdns]`. */
export const mdnsSourceKeys = () => ({
  announce: key('announce', z.boolean(), { doc: 'What [[announce]] lists is said there as well.', default: true }),
  interfaces: key('interfaces', z.array(z.string().min(1)).max(64), {
    doc: 'Networks that are used, by the names or IPv4 addresses of their interfaces; none: all but loopback.',
    default: [],
  }),
});

/** Keys of `[placement.dns]`. */
export const dnsSourceKeys = () => ({
  names: required('names', z.record(name, serviceNames), {
    doc: 'Service → its name in DNS, or several: "_service._proto.domain" is asked for SRV records, "name:port" for addresses, each of which is an instance. "https://" or "h2c://" may stand before it.',
    example: { pilotnet: '_pilotnet._tcp.edge.lan' },
  }),
  servers: key('servers', z.array(nameServer).max(8), {
    doc: 'Name servers, asked in turn; none: those of the system.',
    default: [],
  }),
  stale: key('staleMs', duration(), {
    doc: 'The last answer stands for this long beyond its time while no server answers.',
    default: '1d',
  }),
});
