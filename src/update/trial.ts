// A new executable is on trial until it has shown that it lasts. The marker beside it says so, even when it is killed or
// powered off meanwhile; the next start of the service reads it and decides.

import { existsSync, linkSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { identityOf, isSameFile, type Layout, syncDirectory, writeDurably } from './layout.ts';

export interface Trial {
  /** Distinguishes this trial's verdict from that of an earlier one. */
  readonly id: string;
  readonly version: string;
  readonly sha256: string;
  /** The file that is on trial (`identityOf`): when another one is in its place, the trial is over or never began. */
  readonly identity: string;
  /** Starts of the service so far. */
  readonly starts: number;
}

export interface Rejection {
  readonly version: string;
  readonly sha256: string;
  readonly reason: string;
}

/** What the service itself found, in its state directory, where alone it may write. */
export interface TrialVerdict {
  readonly trialId: string;
  /** `never-served`: it could not take over, and the one before it still serves. */
  readonly outcome: 'accepted' | 'rejected' | 'never-served';
  readonly reason: string;
}

/**
 * A start that does not last is followed by another one, since a power cut looks the same; the third start brings the
 * previous executable back.
 */
export const TRIAL_STARTS_MAX = 2;

/** The trial that the executable in place is on; null when it is on none. */
export function currentTrial(layout: Layout): Trial | null {
  const trial = readJson<Trial>(layout.trial);
  return trial !== null && isSameFile(trial.identity, identityOf(layout.executable)) ? trial : null;
}

export const writeTrial = (layout: Layout, trial: Trial): void => writeDurably(layout.trial, JSON.stringify(trial));

/** The release that was rejected last; null when there is none. */
export const readRejection = (layout: Layout): Rejection | null => readJson<Rejection>(layout.rejected);

/** How the last trial ended; null while it is not known. */
export const readVerdict = (stateDirectory: string | null): TrialVerdict | null =>
  stateDirectory === null ? null : readJson<TrialVerdict>(verdictPath(stateDirectory));

export const writeVerdict = (stateDirectory: string, verdict: TrialVerdict): void =>
  writeDurably(verdictPath(stateDirectory), JSON.stringify(verdict));

const verdictPath = (stateDirectory: string): string => `${stateDirectory}/update-verdict.json`;

export type GuardOutcome =
  | { readonly kind: 'no-trial' }
  /** The trial was over, or was cut short before the swap: nothing of it is left. */
  | { readonly kind: 'cleared' }
  | { readonly kind: 'accepted'; readonly trial: Trial }
  | { readonly kind: 'rolled-back'; readonly trial: Trial; readonly reason: string }
  | { readonly kind: 'counted'; readonly trial: Trial };

/**
 * Decides before each start of the service which executable it will be. Run by the previous one, which is known to
 * work; may be killed between any two lines and run again.
 */
export function guardStart(layout: Layout, stateDirectory: string | null): GuardOutcome {
  if (!existsSync(layout.trial)) return { kind: 'no-trial' };
  const trial = currentTrial(layout);
  if (trial === null) {
    endTrial(layout);
    return { kind: 'cleared' };
  }
  const verdict = readVerdict(stateDirectory);
  if (verdict?.trialId === trial.id && verdict.outcome === 'accepted') {
    endTrial(layout);
    return { kind: 'accepted', trial };
  }
  const reason = verdict?.trialId === trial.id ? verdict.reason : startsReason(trial);
  if (reason === null) {
    const counted = { ...trial, starts: trial.starts + 1 };
    writeTrial(layout, counted);
    return { kind: 'counted', trial: counted };
  }
  rollBack(layout, trial, reason);
  return { kind: 'rolled-back', trial, reason };
}

const startsReason = (trial: Trial): string | null =>
  trial.starts < TRIAL_STARTS_MAX ? null : `it was started ${trial.starts} times and did not last`;

/** The previous executable takes its place again; it stays under its own name as well. */
export function rollBack(layout: Layout, trial: Trial, reason: string): void {
  const { version, sha256 } = trial;
  writeDurably(layout.rejected, JSON.stringify({ version, sha256, reason } satisfies Rejection));
  replaceByLink(layout.previous, layout.executable);
  endTrial(layout);
}

/** `path` becomes another name of `source`, in one step: at no moment is there nothing at `path`. */
export function replaceByLink(source: string, path: string): void {
  const part = `${path}.link`;
  rmSync(part, { force: true });
  linkSync(source, part);
  renameSync(part, path);
  // Renaming one name of a file over another one does nothing at all (rename(2)).
  rmSync(part, { force: true });
}

/** The new executable stays: the trial's marker goes. */
export function endTrial(layout: Layout): void {
  syncDirectory(layout.directory);
  rmSync(layout.trial, { force: true });
  syncDirectory(layout.directory);
}

/** Null when there is none, or when it is not to be read: written whole or not at all, it then belongs to no update. */
function readJson<Value>(path: string): Value | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Value;
  } catch {
    return null;
  }
}
