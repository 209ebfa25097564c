// Carries an install plan out, and undoes it. `root` stands for `/` when an image of a device is prepared elsewhere.

import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { imagePath, imageTarget } from './image-path.ts';
import { INSTALLED, type InstallStep } from './install-plan.ts';

/** One thing that was done, or found to be done: `wrote /etc/…`. */
export type Report = (line: string) => void;

interface Manifest {
  /** Path → sha256 of what was written; null for directories. */
  readonly written: Readonly<Record<string, string | null>>;
}

export interface InstallationOptions {
  readonly root: string;
  /** The program itself, copied into place. */
  readonly executable: string;
  readonly report: Report;
}

/** Returns the paths of what is there now and was not before: new files, and those with another content. */
export function install(steps: readonly InstallStep[], options: InstallationOptions): readonly string[] {
  const written = new Map(Object.entries(readManifest(options.root)?.written ?? {}));
  for (const path of obsoleteUnits(steps, options.root)) {
    remove(path, written.get(path) ?? null, options);
    written.delete(path);
  }
  const changed: string[] = [];
  for (const step of steps) {
    const path = imagePath(options.root, step.path);
    const before = digestOf(path);
    if (!take(step, options)) continue;
    const now = digestOf(path);
    written.set(step.path, now);
    if (now !== before) changed.push(step.path);
  }
  const manifest: Manifest = { written: Object.fromEntries(written) };
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  replace(imagePath(options.root, INSTALLED.manifest), 0o644, (part) => writeFileSync(part, text, { flag: 'wx' }));
  return changed;
}

/** Paths of the units that an installation wrote, in its order; empty where nothing is installed. */
export function installedUnits(root: string): readonly string[] {
  return Object.keys(readManifest(root)?.written ?? {}).filter((path) => path.startsWith(`${INSTALLED.units}/`));
}

/** Units of an earlier installation that the plan does not have any more: a service's port is not its own by now. */
export function obsoleteUnits(steps: readonly InstallStep[], root: string): readonly string[] {
  return installedUnits(root).filter((path) => !steps.some((step) => step.path === path));
}

/** False when what is there already stays. */
function take(step: InstallStep, { root, executable, report }: InstallationOptions): boolean {
  const path = imagePath(root, step.path);
  const exists = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  if (exists && (step.kind === 'directory' || (step.kind === 'file' && step.existing === 'keep'))) {
    report(`kept ${step.path}${step.kind === 'directory' ? shutsOut(imageTarget(root, step.path)) : ''}`);
    return false;
  }
  makeFolders(dirname(path));
  put(step, path, executable);
  report(`wrote ${step.path}`);
  return true;
}

/** A folder that an earlier umask made: the service is another user, and needs to read and to enter it. */
function shutsOut(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  const mode = (found?.mode ?? 0) & 0o777;
  return found === undefined || (mode & 0o005) === 0o005
    ? ''
    : `: mode ${mode.toString(8)} keeps the service out, chmod 755 lets it in`;
}

function put(step: InstallStep, path: string, executable: string): void {
  switch (step.kind) {
    case 'directory':
      mkdirSync(path, { mode: step.mode });
      chmodSync(path, step.mode);
      return;
    case 'executable':
      // A rename, never a copy over: a running program must not change under itself.
      replace(path, 0o755, (part) => copyFileSync(executable, part, constants.COPYFILE_EXCL));
      return;
    case 'link':
      rmSync(path, { force: true });
      symlinkSync(step.target, path);
      return;
    case 'file':
      replace(path, step.mode, (part) => writeFileSync(part, step.content, { flag: 'wx' }));
  }
}

/** Independent of the umask: the service is another user, and must pass; a third must not write. */
function makeFolders(path: string): void {
  if (existsSync(path)) return;
  makeFolders(dirname(path));
  mkdirSync(path);
  chmodSync(path, 0o755);
}

/** Removes what `install` wrote; what was changed since, or is not empty, stays and is reported. False: nothing was installed. */
export function uninstall({ root, report }: Pick<InstallationOptions, 'root' | 'report'>): boolean {
  const manifest = readManifest(root);
  if (manifest === null) return false;
  // What updates left beside the executable.
  for (const name of [
    'qedge.previous',
    'qedge.trial',
    'qedge.rejected',
    'qedge.incoming',
    'update.lock',
    'installed.json',
  ]) {
    rmSync(imagePath(root, `${INSTALLED.directory}/${name}`), { force: true });
  }
  const entries = Object.entries(manifest.written).reverse();
  for (const [path, digest] of entries) remove(path, digest, { root, report });
  return true;
}

function remove(
  path: string,
  digest: string | null,
  { root, report }: Pick<InstallationOptions, 'root' | 'report'>,
): void {
  const real = imagePath(root, path);
  const found = lstatSync(real, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (found.isDirectory()) {
    if (readdirSync(real).length > 0) report(`kept ${path}: not empty`);
    else {
      rmdirSync(real);
      report(`removed ${path}`);
    }
    return;
  }
  // The executable is another one after each update; it is ours all the same.
  if (path !== INSTALLED.executable && digestOf(real) !== digest) {
    report(`kept ${path}: changed since it was installed`);
    return;
  }
  rmSync(real);
  report(`removed ${path}`);
}

function readManifest(root: string): Manifest | null {
  const path = imageTarget(root, INSTALLED.manifest);
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  } catch {
    // Half of it: the next installation writes it whole.
    return null;
  }
}

/** Null for what is neither a file nor a link, and for what is not there. */
function digestOf(path: string): string | null {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || !(found.isFile() || found.isSymbolicLink())) return null;
  const content = found.isSymbolicLink() ? readlinkSync(path) : readFileSync(path);
  return createHash('sha256').update(content).digest('hex');
}

/** `write` makes the file beside, which takes its place when it is whole. A link that lies there is not followed. */
function replace(path: string, mode: number, write: (part: string) => void): void {
  const part = `${path}.part`;
  rmSync(part, { force: true });
  write(part);
  chmodSync(part, mode);
  // On the disk before it has its name, and the name before the next step: devices are unplugged as soon as all is done.
  putOnDisk(part);
  renameSync(part, path);
  putOnDisk(dirname(path));
}

function putOnDisk(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
