// Says at the end of a test run, where people look, which test files this machine could not run.

import { leftOutFiles, leftOutNotice } from './requires.ts';

export function teardown(): void {
  const notice = leftOutNotice(leftOutFiles());
  if (notice !== null) process.stderr.write(`\n${notice}\n`);
}
