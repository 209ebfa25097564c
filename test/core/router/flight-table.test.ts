import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_FLIGHT } from '../../../src/core/policies/policy.ts';
import { FlightTable } from '../../../src/core/router/flight-table.ts';
import { SharedFlights, sharedFlightsMemory } from '../../../src/core/router/shared-flights.ts';

const HANDLES = 4;
const LOOPS = 3;
const someActions = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('add' as const), handle: fc.nat({ max: HANDLES - 1 }) }),
    fc.record({ kind: fc.constant('remove' as const), which: fc.nat() }),
    fc.record({ kind: fc.constant('orphan' as const), handle: fc.nat({ max: HANDLES - 1 }) }),
  ),
  { maxLength: 400 },
);

function chain(table: FlightTable, handle: number): number[] {
  const tickets: number[] = [];
  for (let ticket = table.oldest(handle); ticket !== NO_FLIGHT; ticket = table.next(ticket)) tickets.push(ticket);
  return tickets;
}

describe('flight table', () => {
  it('knows what is in flight where, oldest first, as they start, end and leave', () => {
    fc.assert(
      fc.property(someActions, (actions) => {
        const table = new FlightTable(1024);
        table.ensureHandles(HANDLES);
        const flying: { ticket: number; handle: number }[] = [];
        actions.forEach((action, nowMs) => {
          if (action.kind === 'add') flying.push({ ticket: table.add(action.handle, nowMs), handle: action.handle });
          if (action.kind === 'remove' && flying.length > 0) {
            const [ended] = flying.splice(action.which % flying.length, 1);
            if (ended !== undefined) table.remove(ended.ticket);
          }
          if (action.kind === 'orphan') {
            table.orphan(action.handle);
            for (const flight of flying) if (flight.handle === action.handle) flight.handle = -1;
          }
        });
        expect(table.total).toBe(flying.length);
        for (let handle = 0; handle < HANDLES; handle++) {
          const expected = flying.filter((flight) => flight.handle === handle).map(({ ticket }) => ticket);
          expect(chain(table, handle)).toEqual(expected);
          expect(table.count(handle)).toBe(expected.length);
          const times = expected.map((ticket) => table.startMs(ticket));
          expect(times).toEqual([...times].sort((a, b) => a - b));
        }
      }),
    );
  });

  it('counts what the tables of other event loops have in flight at the same instance, until a loop is cleared', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: LOOPS - 1 }), someActions), { maxLength: 6 }), (turns) => {
        const memory = sharedFlightsMemory(LOOPS, 7_654_321);
        const loops = Array.from({ length: LOOPS }, (_, loop) => new SharedFlights(memory, loop));
        const tables = loops.map((shared) => new FlightTable(1024, shared));
        // Handles are dealt out by each loop for itself.
        const handleOf = (loop: number, instance: number): number => (instance + loop) % HANDLES;
        tables.forEach((table, loop) => {
          for (let i = 0; i < HANDLES; i++) table.begin(handleOf(loop, i), 'svc', `n/${i}`);
        });
        const tickets: number[][] = tables.map(() => []);
        for (const [loop, actions] of turns) {
          const [table, flying] = [tables[loop], tickets[loop]];
          if (table === undefined || flying === undefined) return;
          for (const action of actions) {
            if (action.kind === 'add') flying.push(table.add(handleOf(loop, action.handle), 0));
            if (action.kind === 'orphan') table.orphan(handleOf(loop, action.handle));
            if (action.kind === 'remove' && flying.length > 0)
              table.remove(flying.splice(action.which % flying.length, 1)[0] ?? 0);
          }
        }
        const counted = (loop: number, instance: number): number => tables[loop]?.count(handleOf(loop, instance)) ?? 0;
        const all = (loop: number, instance: number): number => tables[loop]?.all(handleOf(loop, instance)) ?? 0;
        for (let i = 0; i < HANDLES; i++) {
          const sum = tables.reduce((total, _, loop) => total + counted(loop, i), 0);
          expect(tables.map((_, loop) => all(loop, i))).toEqual(tables.map(() => sum));
        }
        loops[1]?.clear();
        for (let i = 0; i < HANDLES; i++) expect(all(0, i)).toBe(counted(0, i) + counted(2, i));
      }),
      { numRuns: 20 },
    );
  });

  it('takes in its maximum and no more, and takes in again once one ended', () => {
    const table = new FlightTable(100);
    table.ensureHandles(1);
    const tickets = Array.from({ length: 100 }, (_, i) => table.add(0, i));
    expect(new Set(tickets).size).toBe(100);
    expect(table.add(0, 100)).toBe(NO_FLIGHT);
    table.remove(tickets[50] ?? 0);
    expect(table.add(0, 101)).toBe(tickets[50]);
  });
});
