// Numbers as a person types them behind an option. Each throws InvalidArgumentError, which ends a command with the status of wrong usage.

import { InvalidArgumentError } from 'commander';
import { seedsText } from '../scenario/scenario-schema.ts';

/** A whole number of 1 or more. */
export function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 1e9) return value;
  throw new InvalidArgumentError(`expected a whole number of 1 or more, got ${text}`);
}

/** A number above 0. */
export function positive(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1e12) return value;
  throw new InvalidArgumentError(`expected a number above 0, got ${text}`);
}

/** A factor on rates. */
export function loadFactor(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 100) return value;
  throw new InvalidArgumentError(`expected a number above 0, at most 100, got ${text}`);
}

/** Seeds: `1`, `1,2,7`, `101-140`. */
export function seeds(text: string): number[] {
  const { data } = seedsText.safeParse(text);
  if (data === undefined) throw new InvalidArgumentError(`expected seeds such as 1, 1,2,7 or 101-140, got ${text}`);
  return data;
}
