// When the sources were last changed: the one time that stands in what is built, so that the same executables give the same packages.

import { run } from './command.ts';
import { ROOT } from './paths.ts';

/** `SOURCE_DATE_EPOCH` (reproducible-builds.org) where it is set, else that of the commit; 1970 outside a checkout. */
export function sourceTime(): Date {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined) {
    if (!/^\d+$/.test(given)) throw new Error(`SOURCE_DATE_EPOCH: expected seconds since 1970, got ${given}`);
    return new Date(Number(given) * 1000);
  }
  try {
    return new Date(run('git', ['-C', ROOT, 'show', '-s', '--format=%cI', 'HEAD']).trim());
  } catch {
    return new Date(0);
  }
}
