// `npm run build`: dist/qedge-linux-x64 and dist/qedge-linux-arm64, from the sources and the lock file alone.

import { readdirSync, rmSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { compileAddons } from './addons.ts';
import { type Bundle, bundleProgram } from './bundle.ts';
import { buildDashboard } from './dashboard.ts';
import { assembleExecutable, publish } from './executable.ts';
import { gateFailures } from './gates.ts';
import { nodeBinary } from './node-binary.ts';
import { type BuiltProgram, removePackages, writePackages } from './package/packages.ts';
import { DIST } from './paths.ts';
import { compress, writeLicences, writeReleaseFiles } from './release.ts';
import { measureStartMs, START_MS_MAX } from './start-gate.ts';
import { type Arch, missingTools, TARGETS, type Target } from './target.ts';

const HELP = `Usage: npm run build -- [options]

Builds the executables of qedge into dist/, with checksums, licences and a bill of materials.

  --arch x64|arm64|all  what to build; by default x64, and arm64 where its tools are installed
  --no-xz               leaves out the compressed copies, which take half of the time
  --packages            also makes a Debian package for each, and a container image of all
  --help                prints this`;

async function main(): Promise<void> {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({ options: { arch: { type: 'string' }, 'no-xz': flag, packages: flag, help: flag } });
  if (values.help) return say(HELP);
  const targets = chosenTargets(values.arch);
  const dashboardPackages = await buildDashboard();
  const program = await bundleProgram();
  const bundle = { ...program, packages: [...new Set([...program.packages, ...dashboardPackages])].sort() };
  say(
    `bundle: ${sizeOf(bundle.path)}, ${bundle.packages.length} packages, version ${bundle.version} (${bundle.commit})`,
  );
  const executables: Partial<Record<Arch, BuiltProgram>> = {};
  for (const target of targets) {
    const built = await buildTarget(target, bundle);
    const { path } = built;
    executables[target.arch] = built;
    rmSync(`${path}.xz`, { force: true });
    if (!values['no-xz']) compress(path);
  }
  const licences = writeLicences(bundle, nodeBinary(TARGETS.x64));
  removePackages();
  if (values.packages)
    await writePackages({ executables, licences, version: bundle.version, commit: bundle.commit }, say);
  writeReleaseFiles(bundle);
  say(`dist: ${readdirSync(DIST).join(', ')}`);
}

/** The executable, which has passed every gate. */
async function buildTarget(target: Target, bundle: Bundle): Promise<BuiltProgram> {
  say(`${target.arch}: addons (about a minute the first time)`);
  const addons = compileAddons(target);
  say(`${target.arch}: executable`);
  const { path: program, scripts } = bundle;
  const executable = assembleExecutable(target, { node: nodeBinary(target), bundle: program, scripts, addons });
  const failures = [...gateFailures(target, executable, Object.values(addons))];
  if (target.emulator.length === 0) failures.push(...(await startFailures(executable)));
  if (failures.length > 0) throw new Error(failures.join('\n'));
  const path = publish(executable, `qedge-linux-${target.arch}`);
  say(`${target.arch}: dist/${basename(path)} ${sizeOf(path)}`);
  return { path, addons: Object.values(addons) };
}

/** Measured where this machine runs the executable itself; an emulator's time says nothing. */
async function startFailures(executable: string): Promise<readonly string[]> {
  const startMs = await measureStartMs(executable);
  say(`start to listening: ${startMs.toFixed(0)} ms (at most ${START_MS_MAX})`);
  return startMs > START_MS_MAX
    ? [`${executable}: ${startMs.toFixed(0)} ms to listening, at most ${START_MS_MAX}`]
    : [];
}

/** By default all that this machine has the tools for, saying what it leaves out; what is asked for by name must work. */
function chosenTargets(asked: string | undefined): readonly Target[] {
  const names: readonly Arch[] = asked === 'x64' || asked === 'arm64' ? [asked] : ['x64', 'arm64'];
  if (asked !== undefined && asked !== 'all' && asked !== names[0])
    throw new Error(`--arch: x64, arm64 or all, got ${asked}`);
  return names
    .map((name) => TARGETS[name])
    .filter((target) => {
      const missing = missingTools(target);
      if (missing.length === 0) return true;
      const advice = `${missing.join(', ')} not installed (apt-get install ${target.packages.join(' ')})`;
      if (asked !== undefined || target.arch === 'x64') throw new Error(`${target.arch}: ${advice}`);
      say(`${target.arch}: left out: ${advice}`);
      return false;
    });
}

const sizeOf = (path: string): string => `${(statSync(path).size / 2 ** 20).toFixed(1)} MiB`;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  await main();
} catch (error) {
  process.stderr.write(`build: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
