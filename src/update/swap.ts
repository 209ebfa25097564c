// Puts a new executable in place of the running one. Everything that can be wrong with it is found before anything
// moves; then two links and a rename. Killed between any two lines it leaves a whole, working executable in place.

import { randomUUID } from 'node:crypto';
import { chmodSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { CommandError, unreadable } from '../errors.ts';
import { copyDigested } from './copy.ts';
import { architectureOf } from './elf.ts';
import { identityOf, type Layout, syncDirectory } from './layout.ts';
import { type Release, verifyRelease } from './signature.ts';
import { currentTrial, endTrial, readRejection, replaceByLink, writeTrial } from './trial.ts';
import { compareVersions } from './version-order.ts';

/** What is to be put in place of what, and which checks it has to pass. */
export interface SwapOptions {
  readonly layout: Layout;
  readonly file: string;
  readonly signatureFile: string;
  /** Base64 of the 32 raw bytes; null refuses every file. */
  readonly publicKey: string | null;
  readonly currentVersion: string;
  readonly architecture: string;
  readonly allowDowngrade: boolean;
  /** A file that was rolled back once may come again. */
  readonly allowRejected: boolean;
  /** Asks the new executable itself: does it run here, is it what it says, can it read the config? Throws when not. */
  readonly probe: (executable: string, release: Release) => void;
  /** Called between the steps. */
  readonly onStep?: (step: SwapStep) => void;
}

const SIGNATURE_BYTES_MAX = 4_096;

export type SwapStep = 'release-verified' | 'copied' | 'probed' | 'previous-kept' | 'trial-marked' | 'swapped';

/**
 * The release that is now in place and on trial.
 *
 * @throws CommandError with what is wrong; nothing has moved then
 */
export function swapExecutable(options: SwapOptions): Release {
  const { layout, onStep = () => undefined } = options;
  if (currentTrial(layout) !== null) throw new CommandError('an update is on trial; wait for its end');
  const release = acceptableRelease(options);
  onStep('release-verified');
  try {
    takeIn(options, release);
    onStep('copied');
    options.probe(layout.incoming, release);
    onStep('probed');
    putInPlace(layout, release, onStep);
  } catch (error) {
    rmSync(layout.incoming, { force: true });
    throw error instanceof CommandError ? error : new CommandError(failureOf(options.file, error), 1, error);
  }
  onStep('swapped');
  return release;
}

/** What can be known from the signed lines alone. */
function acceptableRelease(options: SwapOptions): Release {
  const { publicKey, signatureFile, architecture, currentVersion, allowDowngrade, allowRejected, layout } = options;
  if (publicKey === null) throw new CommandError('update.public_key is not configured: no file can be trusted');
  const release = readRelease(signatureFile, publicKey);
  if (release.architecture !== architecture) {
    throw new CommandError(`the file is for ${release.architecture}, this machine is ${architecture}`);
  }
  if (!allowDowngrade && compareVersions(release.version, currentVersion) <= 0) {
    throw new CommandError(
      `version ${release.version} is not newer than ${currentVersion} (--allow-downgrade takes it)`,
    );
  }
  const rejection = readRejection(layout);
  if (!allowRejected && rejection?.sha256 === release.sha256) {
    throw new CommandError(`this file was rolled back before: ${rejection.reason} (--retry takes it again)`);
  }
  return release;
}

function readRelease(signatureFile: string, publicKey: string): Release {
  try {
    return verifyRelease(readSmall(signatureFile), publicKey);
  } catch (error) {
    throw new CommandError(`signature: ${failureOf(signatureFile, error)}`, 1, error);
  }
}

/** A signature file has some lines. @throws Error for anything larger, and for what is no regular file */
function readSmall(path: string): string {
  const found = statSync(path);
  if (!found.isFile() || found.size > SIGNATURE_BYTES_MAX) throw new Error('no signature file of qedge');
  return readFileSync(path, 'utf8');
}

/** A copy beside the executable, compared with what was signed: what is checked is what will run. */
function takeIn({ layout, file, architecture }: SwapOptions, release: Release): void {
  const copied = copyDigested(file, layout.incoming, release.bytes);
  if (copied.bytes !== release.bytes) {
    throw new CommandError(`${file}: ${copied.bytes} bytes, signed were ${release.bytes}: truncated or another file`);
  }
  if (copied.sha256 !== release.sha256) throw new CommandError(`${file}: not the file that was signed`);
  const found = architectureOf(layout.incoming);
  if (found !== architecture)
    throw new CommandError(`${file}: a program for ${found ?? 'no machine'}, not ${architecture}`);
  chmodSync(layout.incoming, 0o755);
}

function putInPlace(layout: Layout, release: Release, onStep: (step: SwapStep) => void): void {
  const identity = identityOf(layout.incoming);
  if (identity === null) throw new CommandError(`${layout.incoming}: gone`);
  // A marker of a trial that never began.
  endTrial(layout);
  replaceByLink(layout.executable, layout.previous);
  syncDirectory(layout.directory);
  onStep('previous-kept');
  writeTrial(layout, { id: randomUUID(), version: release.version, sha256: release.sha256, identity, starts: 0 });
  onStep('trial-marked');
  renameSync(layout.incoming, layout.executable);
  syncDirectory(layout.directory);
}

/** Why a step failed, in words where it is that the file itself cannot be opened. */
function failureOf(file: string, error: unknown): string {
  return error instanceof Error && 'path' in error && error.path === file ? unreadable(file, error) : messageOf(error);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
