// A time as a person types it, `500ms`, `30s`, `2m`: as the configuration has it.

import { InvalidArgumentError } from 'commander';
import { duration } from '../config/values.ts';

/** @throws InvalidArgumentError, which ends a command with the status of wrong usage */
export function durationMs(text: string): number {
  const { data } = duration().safeParse(text);
  if (data === undefined) throw new InvalidArgumentError(`expected a duration such as 30s, got ${text}`);
  return data;
}
