// `qedge install` and `qedge uninstall`: this very file as a service of systemd, and no trace of it again.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import type { ListenAddress } from '../../config/config.ts';
import { loadConfig } from '../../config/load.ts';
import { CommandError } from '../../errors.ts';
import { isSingleExecutable } from '../../sea.ts';
import { imageTarget } from '../../systemd/image-path.ts';
import {
  INSTALLED,
  type InstallStep,
  installPlan,
  PACKAGED,
  type SocketPlan,
  socketUnitName,
} from '../../systemd/install-plan.ts';
import { install, installedUnits, obsoleteUnits, uninstall } from '../../systemd/installation.ts';

interface InstallOptions {
  readonly dryRun?: true;
  readonly start: boolean;
  readonly root: string;
}

export function registerInstall(program: Command): void {
  program
    .command('install')
    .description('install this program as a systemd service, with a commented configuration')
    .option('--dry-run', 'only show what would be written')
    .option('--no-start', 'install without enabling and starting')
    .option('--root <dir>', 'prepare the file system under this directory instead; starts nothing', '/')
    .action(runInstall);
  program
    .command('uninstall')
    .description('remove what install wrote; changed files and learned state stay')
    .option('--root <dir>', 'the directory that was given to install', '/')
    .action(runUninstall);
}

function runInstall({ dryRun, start, root: given }: InstallOptions): void {
  const root = resolve(given);
  const sockets = plannedSockets(root);
  const steps = installPlan(sockets);
  if (dryRun) {
    for (const step of steps) process.stdout.write(describe(step));
    return;
  }
  if (!isSingleExecutable) throw new CommandError('only the single executable can be installed (npm run build)');
  demandRoot(root);
  if (root === '/') disable(obsoleteUnits(steps, root));
  const changed = install(steps, { root, executable: process.execPath, report: say });
  if (root !== '/') {
    const units = [...sockets.map(socketUnitName), SERVICE].join(' ');
    say(`not enabled, since nothing runs here: systemctl --root=${root} enable ${units}`);
    return;
  }
  systemctl('daemon-reload');
  if (!start) return;
  startUnits(sockets.map(socketUnitName), changed);
  say(`running: systemctl status qedge; configure: ${INSTALLED.config}, then systemctl reload qedge`);
}

/**
 * A new program takes a restart, during which the sockets hold on to the clients. A socket that is to listen elsewhere has
 * to be stopped, which systemd does only after the service that uses it.
 */
function startUnits(sockets: readonly string[], changed: readonly string[]): void {
  systemctl('enable', ...sockets, SERVICE);
  if (changed.some((path) => path.endsWith('.socket'))) systemctl('stop', SERVICE, ...sockets);
  systemctl('start', ...sockets);
  systemctl('restart', SERVICE);
}

function disable(units: readonly string[]): void {
  if (units.length > 0) systemctl('disable', '--now', ...units.map((path) => basename(path)));
}

function runUninstall({ root: given }: Pick<InstallOptions, 'root'>): void {
  const root = resolve(given);
  demandRoot(root);
  // As they were installed, no matter what the configuration says by now. The service first: it holds the sockets.
  if (root === '/') disable(installedUnits(root).toReversed());
  if (!uninstall({ root, report: say })) throw new CommandError(`nothing to remove: no ${INSTALLED.manifest}`);
  if (root === '/') systemctl('daemon-reload');
  if (root === '/') say('what was learned is in /var/lib/private/qedge, if anything: remove it with rm -r');
}

/** The ports of the configuration that is there, or those of the one that will be. */
function plannedSockets(root: string): readonly SocketPlan[] {
  const file = imageTarget(root, INSTALLED.config);
  if (!existsSync(file)) return [socket('proxy', DEFAULT_PROXY), socket('admin', DEFAULT_ADMIN)];
  // The files that it names are the image's as well.
  const { proxy, admin, services } = loadConfig(file, { fileAt: (path) => imageTarget(root, path) });
  const loops = proxy.workers;
  const own = services.flatMap(({ name, listen }) => (listen === null ? [] : [{ ...socket(name, listen), loops }]));
  return [{ ...socket('proxy', proxy.listen), loops }, socket('admin', admin.listen), ...own];
}

const SERVICE = 'qedge.service';
const DEFAULT_PROXY: ListenAddress = { host: '127.0.0.1', port: 8080 };
const DEFAULT_ADMIN: ListenAddress = { host: '127.0.0.1', port: 9901 };

const socket = (name: string, { host, port }: ListenAddress): SocketPlan => ({ name, host, port });

function describe(step: InstallStep): string {
  switch (step.kind) {
    case 'directory':
      return `directory ${step.path} (${step.mode.toString(8)})\n`;
    case 'executable':
      return `executable ${step.path}: a copy of ${isSingleExecutable ? process.execPath : 'what npm run build makes'}\n`;
    case 'link':
      return `link ${step.path} -> ${step.target}\n`;
    case 'file': {
      const when = step.existing === 'keep' ? ', unless it exists' : '';
      const file = `file ${step.path} (${step.mode.toString(8)}${when})`;
      // The schema is for editors: a thousand lines that say nothing to people.
      if (step.path.endsWith('.json')) return `${file}: ${step.content.length} characters of JSON\n`;
      return `${file}:\n${step.content.replaceAll(/^/gm, '    ').trimEnd()}\n`;
    }
  }
}

function demandRoot(root: string): void {
  if (process.execPath === PACKAGED) {
    throw new CommandError('this qedge is a Debian package with its units: apt installs, upgrades and removes it');
  }
  if (root === '/' && process.getuid?.() !== 0) throw new CommandError('must be run as root (sudo), or with --root');
}

function systemctl(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync('systemctl', args, { encoding: 'utf8' });
  if (status !== 0) throw new CommandError(`systemctl ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
