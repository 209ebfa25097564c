import { describe, expect, it } from 'vitest';
import { EventLog } from '../../src/telemetry/events.ts';

function logOf(entriesMax: number): EventLog<{ readonly kind: 'a' | 'b' }> {
  return new EventLog({ entriesMax, wallMsOf: (clockMs) => 1_000 + clockMs });
}

describe('the event log', () => {
  it('numbers entries from 1 and stamps them with both clocks', () => {
    const log = logOf(4);
    const entry = log.append('pilotnet', { kind: 'a' }, 7.5);
    expect(entry).toEqual({ sequence: 1, wallMs: 1_007.5, clockMs: 7.5, service: 'pilotnet', event: { kind: 'a' } });
    expect(log.lastSequence).toBe(1);
  });

  it('gives back exactly what came after a number, oldest first', () => {
    const log = logOf(8);
    for (let i = 0; i < 5; i++) log.append(null, { kind: 'a' }, i);
    expect(log.since(3).map((entry) => entry.sequence)).toEqual([4, 5]);
    expect(log.since(5)).toEqual([]);
    expect(log.since(99)).toEqual([]);
  });

  it('keeps no more than its maximum and drops the oldest', () => {
    const log = logOf(3);
    for (let i = 0; i < 10; i++) log.append(null, { kind: 'b' }, i);
    expect(log.since(0).map((entry) => entry.sequence)).toEqual([8, 9, 10]);
  });

  it('counts by kind beyond what it keeps', () => {
    const log = logOf(2);
    for (let i = 0; i < 5; i++) log.append(null, { kind: i % 2 === 0 ? 'a' : 'b' }, i);
    expect([...log.countsByKind]).toEqual([
      ['a', 3],
      ['b', 2],
    ]);
  });

  it('reports subscribers until they leave', () => {
    const log = logOf(2);
    const seen: number[] = [];
    const leave = log.subscribe((entry) => seen.push(entry.sequence));
    log.append(null, { kind: 'a' }, 0);
    leave();
    log.append(null, { kind: 'a' }, 1);
    expect(seen).toEqual([1]);
  });
});
