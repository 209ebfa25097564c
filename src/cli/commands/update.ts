// `qedge update`: takes a new executable in, swaps it for this one, has the service hand over to it, and reports how its trial
// ended.
// `--guard` is what the service unit runs before each start while a trial lasts.

import { spawnSync } from 'node:child_process';
import os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { loadConfig } from '../../config/load.ts';
import { CommandError, EX_USAGE } from '../../errors.ts';
import { isSingleExecutable } from '../../sea.ts';
import { INSTALLED, PACKAGED } from '../../systemd/install-plan.ts';
import { type Layout, layoutOf } from '../../update/layout.ts';
import { lockUpdates } from '../../update/lock.ts';
import { probeExecutable } from '../../update/probe.ts';
import type { Release } from '../../update/signature.ts';
import { type SwapOptions, swapExecutable } from '../../update/swap.ts';
import { currentTrial, endTrial, guardStart, readRejection, readVerdict, rollBack } from '../../update/trial.ts';
import { version } from '../build-facts.ts';

interface UpdateOptions {
  readonly config: string;
  readonly signature?: string;
  readonly allowDowngrade?: true;
  readonly retry?: true;
  readonly restart: boolean;
  readonly wait: boolean;
  readonly guard?: true;
}

/** What the service may write: where systemd keeps it (`StateDirectory=qedge`), unless the environment says otherwise. */
const STATE_DIRECTORY = process.env.STATE_DIRECTORY ?? '/var/lib/qedge';
const SERVICE = 'qedge.service';
/** A start that hangs is given up after `TimeoutStartSec=`, and there may be two of them before the return. */
const RETURN_MARGIN_MS = 120_000;
const POLL_MS = 250;

export function registerUpdate(program: Command): void {
  program
    .command('update')
    .description('replace this program by a newer, signed one; roll back when the new one does not last')
    .argument('[file]', 'the new executable')
    .option('-c, --config <file>', 'configuration with the public key', INSTALLED.config)
    .option('--signature <file>', 'signature file (default: <file>.sig)')
    .option('--allow-downgrade', 'take a version that is not newer')
    .option('--retry', 'take a file that was rolled back before')
    .option('--no-restart', 'leave the restart of the service to you')
    .option('--no-wait', 'do not wait for the end of the trial')
    .addOption(new Option('--guard', 'decide which executable starts next; for the service unit').hideHelp())
    .action(runUpdate);
}

async function runUpdate(file: string | undefined, options: UpdateOptions): Promise<void> {
  if (!isSingleExecutable) throw new CommandError('only the single executable can be updated (npm run build)');
  if (options.guard) return guard();
  if (process.execPath === PACKAGED) {
    throw new CommandError(
      'this qedge is a Debian package: apt-get install ./qedge_VERSION_ARCHITECTURE.deb updates it',
    );
  }
  // What is checked here, the new executable included, leaves the cores to the requests.
  const { PRIORITY_BELOW_NORMAL: nice } = os.constants.priority;
  if (os.getPriority() < nice) os.setPriority(nice);
  if (file === undefined) throw new CommandError('expected a file: qedge update FILE', EX_USAGE);
  const layout = layoutOf(process.execPath);
  const lock = await lockUpdates(layout.directory);
  try {
    endDecidedTrial(layout);
    const { update } = loadConfig(options.config, { env: serviceEnv() });
    const release = swapExecutable({ ...swapOptions(file, options), layout, publicKey: update.publicKey });
    say(`${release.version} in place, ${version} kept as ${layout.previous}`);
    if (!options.restart) return say('restart the service to begin the trial: systemctl restart qedge');
    takeEffect();
    if (options.wait) await untilTrialEnds(layout, release, update.probationMs);
  } finally {
    lock.release();
  }
}

function swapOptions(file: string, options: UpdateOptions): Omit<SwapOptions, 'layout' | 'publicKey'> {
  return {
    file,
    signatureFile: options.signature ?? `${file}.sig`,
    currentVersion: version,
    architecture: process.arch,
    allowDowngrade: options.allowDowngrade ?? false,
    allowRejected: options.retry ?? false,
    probe: (executable, release) => probeExecutable(executable, release, { config: options.config, env: serviceEnv() }),
  };
}

/** The configuration may speak of what systemd sets for the service alone. */
const serviceEnv = (): NodeJS.ProcessEnv => ({ ...process.env, STATE_DIRECTORY });

function guard(): void {
  // Run as `qedge.previous`, and on behalf of the executable of that name without the ending.
  const layout = layoutOf(process.execPath.replace(/\.previous$/, ''));
  const outcome = guardStart(layout, process.env.STATE_DIRECTORY?.split(':')[0] ?? null);
  if (outcome.kind === 'rolled-back') say(`rolled back ${outcome.trial.version}: ${outcome.reason}`);
  else if (outcome.kind === 'counted') say(`start ${outcome.trial.starts} of ${outcome.trial.version} on trial`);
}

/** A service that runs hands over by itself (SIGUSR2), or ends when it cannot, to be started again; any other is restarted. */
function takeEffect(): void {
  const runs = systemctl('is-active', '--quiet', SERVICE).status === 0;
  const comesBack = systemctl('show', '--property=Restart', '--value', SERVICE).stdout.trim() === 'always';
  const { status, stderr, error } =
    runs && comesBack
      ? systemctl('kill', '--kill-who=main', '--signal=SIGUSR2', SERVICE)
      : systemctl('restart', '--no-block', SERVICE);
  if (status !== 0) throw new CommandError(`in place, but not begun: ${error?.message ?? stderr.trim()}`);
}

const systemctl = (...args: readonly string[]) => spawnSync('systemctl', args, { encoding: 'utf8' });

/** Follows the trial to its end; killing this command changes nothing, the guard decides all the same. */
async function untilTrialEnds(layout: Layout, release: Release, probationMs: number): Promise<void> {
  say(`on trial for ${probationMs / 1000} s`);
  const deadlineMs = performance.now() + probationMs + RETURN_MARGIN_MS;
  while (performance.now() < deadlineMs) {
    endDecidedTrial(layout);
    if (currentTrial(layout) === null) return reportEnd(layout, release);
    await delay(POLL_MS);
  }
  throw new CommandError(`${release.version} is still on trial; see systemctl status qedge`);
}

/** Ends a trial that needs no other start of the service to be over. */
function endDecidedTrial(layout: Layout): void {
  const trial = currentTrial(layout);
  const verdict = readVerdict(STATE_DIRECTORY);
  if (trial === null || verdict?.trialId !== trial.id) return;
  if (verdict.outcome === 'accepted') endTrial(layout);
  if (verdict.outcome === 'never-served') rollBack(layout, trial, verdict.reason);
}

function reportEnd(layout: Layout, release: Release): void {
  const rejection = readRejection(layout);
  if (rejection?.sha256 === release.sha256)
    throw new CommandError(`${release.version} was rolled back: ${rejection.reason}`);
  say(`${release.version} accepted`);
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
