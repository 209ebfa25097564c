// The table of a service's instances, as `qedge status` prints it.

import type { InstanceState, RouterState } from '../core/service-router.ts';
import { reasonsText, seenSuccess } from '../core/standing.ts';
import type { Cell, Column } from '../terminal/columns.ts';
import { cell, distanceOf, milliseconds, percent, ratioCell, standingCell } from './figures.ts';

/** What was held against each in its last attempts. */
function reasonsColumn(instances: RouterState['instances']): Column {
  const cells = instances.map(({ reasons, failing }) => cell(reasonsText(reasons), failing ? 'bad' : 'notice'));
  return { header: 'last attempts', align: 'left', importance: 7, cells };
}

/** The instances of a service, the one with the most weight first. */
export function instanceColumns({ instances, qos }: RouterState): readonly Column[] {
  const sorted = [...instances].sort((a, b) => b.weight - a.weight || (a.key < b.key ? -1 : 1));
  const right = (header: string, importance: number, cellOf: (one: InstanceState) => Cell): Column => {
    return { header, importance, align: 'right', cells: sorted.map(cellOf) };
  };
  const left = (...column: Parameters<typeof right>): Column => ({ ...right(...column), align: 'left' });
  return [
    left('instance', 9, ({ key }) => cell(key)),
    left('from', 6, ({ instance }) => cell(instance.source ?? '', 'dim')),
    left('standing', 8, standingCell),
    right('weight', 9, ({ weight }) => cell(percent(weight))),
    right('success', 8, (one) => ratioCell(seenSuccess(one), qos.successRatio)),
    right('distance', 7, (one) => cell(one.local ? 'here' : distanceOf(one))),
    // Without samples it is what is expected, not what was measured.
    right('processing', 6, ({ processingMs, samples }) => cell(milliseconds(samples === 0 ? null : processingMs))),
    right('in flight', 5, ({ inFlight }) => cell(String(inFlight))),
    right('requests/s', 5, ({ requestsPerSecond }) => cell(requestsPerSecond.toFixed(1))),
    right('samples', 3, ({ samples }) => cell(String(samples))),
    right('failures', 3, ({ failures }) => cell(String(failures))),
    ...(sorted.some(({ reasons }) => reasons.length > 0) ? [reasonsColumn(sorted)] : []),
    left('note', 2, ({ note }) => cell(note, 'dim')),
  ];
}
