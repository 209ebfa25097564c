// Round trips from a node to those in its reach, said along with what it saw: each is a row of the neighbourhood's matrix.

import { BadMessage, isFields, show } from './bad-message.ts';
import { isName } from './topics.ts';

/** Round trips in ms, keyed by node, the nearest first. */
export type RoundTrips = ReadonlyMap<string, number>;

/** So many of the nearest are said, and more than those are not believed. */
export const ROUND_TRIPS_SAID_MAX = 16;
const ROUND_TRIPS_HEARD_MAX = 64;
const RTT_MS_MAX = 60_000;

/** The message with as many of the round trips as it has room for within `bytesMax`. */
export function withRoundTrips(message: string, roundTrips: RoundTrips, bytesMax: number): string {
  const nearest = [...roundTrips].slice(0, ROUND_TRIPS_SAID_MAX);
  for (let count = nearest.length; count > 0; count--) {
    const rtts = Object.fromEntries(nearest.slice(0, count).map(([id, rttMs]) => [id, Math.round(10 * rttMs) / 10]));
    const text = `${message.slice(0, -1)},"rtts":${JSON.stringify(rtts)}}`;
    if (text.length <= bytesMax) return text;
  }
  return message;
}

/** None where nothing is said of them. @throws BadMessage */
export function readRoundTrips(value: unknown): RoundTrips {
  if (value === undefined) return new Map();
  if (!isFields(value)) throw new BadMessage('type', `rtts is not a JSON object: ${show(value)}`);
  const entries = Object.entries(value);
  if (entries.length > ROUND_TRIPS_HEARD_MAX) {
    throw new BadMessage('impossible', `rtts has ${entries.length} nodes, more than ${ROUND_TRIPS_HEARD_MAX}`);
  }
  return new Map(entries.map(([id, rttMs]) => [id, readRtt(id, rttMs)]));
}

function readRtt(id: string, value: unknown): number {
  if (!isName(id)) throw new BadMessage('name', `round trip to ${show(id)}, which is no name of a node`);
  if (typeof value !== 'number')
    throw new BadMessage('type', `round trip to ${show(id)} is not a number: ${show(value)}`);
  if (value >= 0 && value <= RTT_MS_MAX) return value;
  throw new BadMessage('impossible', `round trip to ${show(id)} of ${show(value)} ms is impossible`);
}
