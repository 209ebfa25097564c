// Could the store be opened by this process? Asked before anything is taken from a process that serves.

import { CommandError } from '../errors.ts';
import { StoreThread } from './store-thread.ts';

/** The process that has it may be about to end. */
const LOCK_WAIT_MS = 1000;

/**
 * Takes nothing, and changes nothing in a file that is of use. What is wrong with the disk or the content is not asked:
 * a store that fails ends no start.
 *
 * @throws CommandError when another process has the file
 */
export async function proveStore(path: string): Promise<void> {
  const thread = new StoreThread();
  const answer = await thread.ask({ kind: 'prove', path, lockWaitMs: LOCK_WAIT_MS });
  await thread.ask({ kind: 'close', sync: false });
  if (!answer.ok && answer.failure.kind === 'in-use') throw new CommandError(answer.failure.reason);
}
