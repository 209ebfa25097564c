// The cheapest way to give each row a column of its own: the Hungarian method with potentials (Kuhn 1955, Munkres 1957), O(rows² ·
// columns).

/**
 * @param cost row by row; as many columns as rows at least. +Infinity: this pair is out of the question
 * @returns the column of each row with the least sum, or null where some row can have none
 */
export function cheapestAssignment(cost: readonly (readonly number[])[]): number[] | null {
  const columns = cost[0]?.length ?? 0;
  // Column 0 is where a row waits that has none yet; rows and columns count from 1.
  const rowOf = new Int32Array(columns + 1);
  const rowPotential = new Float64Array(cost.length + 1);
  const columnPotential = new Float64Array(columns + 1);
  for (let row = 1; row <= cost.length; row++) {
    if (!augment(row, { cost, columns, rowOf, rowPotential, columnPotential })) return null;
  }
  const columnOf = new Array<number>(cost.length).fill(-1);
  for (let column = 1; column <= columns; column++) {
    const row = rowOf[column] as number;
    if (row > 0) columnOf[row - 1] = column - 1;
  }
  return columnOf;
}

interface State {
  readonly cost: readonly (readonly number[])[];
  readonly columns: number;
  readonly rowOf: Int32Array;
  readonly rowPotential: Float64Array;
  readonly columnPotential: Float64Array;
}

/** Finds a column for one more row by the shortest augmenting path; false where there is none. */
function augment(row: number, { cost, columns, rowOf, rowPotential, columnPotential }: State): boolean {
  const least = new Float64Array(columns + 1).fill(Number.POSITIVE_INFINITY);
  const before = new Int32Array(columns + 1);
  const visited = new Uint8Array(columns + 1);
  rowOf[0] = row;
  let column = 0;
  while (rowOf[column] !== 0) {
    visited[column] = 1;
    const from = rowOf[column] as number;
    const costs = cost[from - 1] as readonly number[];
    let next = -1;
    for (let c = 1; c <= columns; c++) {
      if (visited[c] === 1) continue;
      const reduced = (costs[c - 1] as number) - (rowPotential[from] as number) - (columnPotential[c] as number);
      if (reduced < (least[c] as number)) {
        least[c] = reduced;
        before[c] = column;
      }
      if (next < 0 || (least[c] as number) < (least[next] as number)) next = c;
    }
    if (next < 0 || least[next] === Number.POSITIVE_INFINITY) return false;
    const step = least[next] as number;
    for (let c = 0; c <= columns; c++) {
      if (visited[c] === 1) {
        rowPotential[rowOf[c] as number] = (rowPotential[rowOf[c] as number] as number) + step;
        columnPotential[c] = (columnPotential[c] as number) - step;
      } else least[c] = (least[c] as number) - step;
    }
    column = next;
  }
  while (column !== 0) {
    const previous = before[column] as number;
    rowOf[column] = rowOf[previous] as number;
    column = previous;
  }
  return true;
}
