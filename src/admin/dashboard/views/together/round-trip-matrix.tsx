// Round trips from each node of the neighbourhood, a row each, to all that any of them measured; the darker the farther.

import type { RoundTripRow } from '../../../../core/neighbours/neighbourhood-state.ts';
import { duration, milliseconds } from '../../format.ts';

/** More nodes would be no picture. */
const COLUMNS_MAX = 16;
/** How much of the accent is behind the longest round trip. */
const SHADE_PERCENT = 22;

/** The matrix as far as this node has heard of it. */
export function RoundTripMatrix({ rows }: { readonly rows: readonly RoundTripRow[] }) {
  const columns = columnsOf(rows);
  const mostMs = Math.max(...rows.flatMap(({ rttsMs }) => Object.values(rttsMs)));
  return (
    <div class="scroll">
      <table class="matrix" aria-label="Round trips of the neighbourhood">
        <thead>
          <tr>
            <th scope="col">From, to</th>
            {columns.map((id) => (
              <th key={id} scope="col">
                {id}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ nodeId, ageMs, rttsMs }) => (
            <tr key={nodeId} data-from={nodeId}>
              <th scope="row" title={`said ${duration(ageMs)} ago`}>
                {nodeId}
              </th>
              {columns.map((id) => (
                <td key={id} class="num" style={shadeOf(rttsMs[id], mostMs)}>
                  {id === nodeId ? '' : milliseconds(rttsMs[id] ?? null)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Nodes with a row first, so that what two measured of one another lies on either side of the diagonal. */
function columnsOf(rows: readonly RoundTripRow[]): string[] {
  const speaking = rows.map(({ nodeId }) => nodeId);
  return [...new Set([...speaking, ...rows.flatMap(({ rttsMs }) => Object.keys(rttsMs))])].slice(0, COLUMNS_MAX);
}

function shadeOf(rttMs: number | undefined, mostMs: number): { background?: string } {
  if (rttMs === undefined || !(mostMs > 0)) return {};
  const share = Math.round((SHADE_PERCENT * rttMs) / mostMs);
  return { background: `color-mix(in srgb, var(--accent) ${share}%, transparent)` };
}
