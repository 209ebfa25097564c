// What `qedge install` puts on a machine, as a plan: the same list is shown, carried out, and undone.

import { join } from 'node:path';
import { asset } from '../sea.ts';

/** Where an installed qedge lives; the units name these paths as well. */
export const INSTALLED = {
  directory: '/usr/local/lib/qedge',
  executable: '/usr/local/lib/qedge/qedge',
  command: '/usr/local/bin/qedge',
  configDirectory: '/etc/qedge',
  config: '/etc/qedge/qedge.toml',
  units: '/etc/systemd/system',
  /** What was written, for `qedge uninstall`. */
  manifest: '/usr/local/lib/qedge/installed.json',
} as const;

/** What the Debian package runs; it is the package manager's to install and to upgrade. */
export const PACKAGED = '/usr/lib/qedge/qedge';

/** One listening socket that systemd is to hold. */
export interface SocketPlan {
  /** `proxy`, `admin`, or the service whose own port it is: how the program knows it (`FileDescriptorName=`). */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Event loops that listen there: each has a socket of its own. 1 when absent. */
  readonly loops?: number;
}

/** One thing that an installation does, in its order. */
export type InstallStep =
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'executable'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly mode: number;
      readonly content: string;
      /** `keep`: what a person may have edited is never overwritten. */
      readonly existing: 'replace' | 'keep';
    };

/** The steps in the order they are taken. Units come last: nothing that they name is missing when they appear. */
export function installPlan(sockets: readonly SocketPlan[]): readonly InstallStep[] {
  const file = (path: string, content: string, existing: 'replace' | 'keep' = 'replace'): InstallStep => {
    return { kind: 'file', path, mode: 0o644, content, existing };
  };
  const unit = (name: string, content: string): InstallStep => file(join(INSTALLED.units, name), content);
  return [
    { kind: 'directory', path: INSTALLED.directory, mode: 0o755 },
    { kind: 'directory', path: INSTALLED.configDirectory, mode: 0o755 },
    { kind: 'executable', path: INSTALLED.executable },
    { kind: 'link', path: INSTALLED.command, target: INSTALLED.executable },
    file(INSTALLED.config, text('config/qedge.toml'), 'keep'),
    // For editors: the first line of the configuration names it.
    file(join(INSTALLED.configDirectory, 'qedge.schema.json'), text('config/qedge.schema.json')),
    ...sockets.map((socket) => unit(socketUnitName(socket), socketUnit(socket))),
    unit('qedge.service', serviceUnit(sockets)),
  ];
}

/** The socket units by name, in the plan's order. */
export const socketUnitName = ({ name }: SocketPlan): string =>
  name === 'proxy' ? 'qedge.socket' : `qedge-${unitSafe(name)}.socket`;

/** Unit names take few characters; the others are written as systemd-escape(1) does. */
const unitSafe = (name: string): string =>
  name.replaceAll(/[^\w.-]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);

function socketUnit(socket: SocketPlan): string {
  const template = text(socket.name === 'admin' ? 'systemd/qedge-admin.socket' : 'systemd/qedge.socket');
  const { name, host, port, loops = 1 } = socket;
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const streams = Array<string>(loops).fill(`ListenStream=${address}`);
  const filled = template
    .replace(/^ListenStream=.*$/m, [...streams, ...(loops > 1 ? ['ReusePort=yes'] : [])].join('\n'))
    .replace(/^FileDescriptorName=.*$/m, `FileDescriptorName=${name}`);
  return name === 'proxy' || name === 'admin'
    ? filled
    : filled.replace(/^Description=.*$/m, `Description=qedge port of ${name}`);
}

function serviceUnit(sockets: readonly SocketPlan[]): string {
  const names = sockets.map(socketUnitName).join(' ');
  return text('systemd/qedge.service')
    .replace(/^Sockets=.*$/m, `Sockets=${names}`)
    .replace(/^After=.*$/m, `After=network.target ${names}`);
}

function text(name: string): string {
  const bytes = asset(name);
  if (bytes === null) throw new Error(`${name} is not in this program`);
  return Buffer.from(bytes).toString('utf8');
}
