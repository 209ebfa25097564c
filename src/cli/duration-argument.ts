// A time as a person types it, `500ms`, `30s`, `2m`: as the configuration has it.

import { InvalidArgumentError } from 'commander';
import { duration } from '../config/values.ts';

/** @throws InvalidArgumentError, which ends a command with the status of wrong usage */
export function durationMs(text: string): number {
  const { data, error } = duration().safeParse(text);
  if (data !== undefined) return data;
  const expectation = error?.issues[0]?.message.replace('"80ms"', '30s');
  throw new InvalidArgumentError(`${expectation}, got ${text}`);
}
