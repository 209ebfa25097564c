// Linear programmes: max c·x subject to A·x ≤ b, x ≥ 0, where b ≥ 0, so that x = 0 is where to begin. The primal simplex method on a
// condensed tableau (Dantzig 1963): some hundred rows in milliseconds, which is all that the oracle asks for.

/** A linear programme, each row of `rows` as long as `gains`. */
export interface LinearProgramme {
  /** c */
  readonly gains: readonly number[];
  /** A */
  readonly rows: readonly (readonly number[])[];
  /** b, each ≥ 0. */
  readonly limits: readonly number[];
}

/** What is smaller than this is rounding. */
const EPSILON = 1e-9;
/** Steps without a gain after which the least index is taken, which cannot go round in circles (Bland 1977). */
const IDLE_STEPS_MAX = 20;

/** The best x. @throws Error when c·x has no bound */
export function maximise(programme: LinearProgramme): Float64Array {
  const tableau = new Tableau(programme);
  while (tableau.step());
  return tableau.solution();
}

/**
 * Basic variables are written as what the others leave of them. A row is [A | b], the last one [−c | value]; variables are the
 * programme's own, then a slack for each row.
 */
class Tableau {
  readonly #variables: number;
  readonly #rows: Float64Array[];
  readonly #last: Float64Array;
  /** Variable of each row, and of each column. */
  readonly #basic: number[];
  readonly #free: number[];
  #idleSteps = 0;

  constructor({ gains, rows, limits }: LinearProgramme) {
    this.#variables = gains.length;
    this.#rows = rows.map((row, r) => Float64Array.of(...row, limits[r] as number));
    this.#last = Float64Array.of(...gains.map((gain) => -gain), 0);
    this.#free = gains.map((_, v) => v);
    this.#basic = rows.map((_, r) => gains.length + r);
  }

  /** One exchange of a basic variable for a free one; false when none gains anything. */
  step(): boolean {
    const column = this.#entering();
    if (column < 0) return false;
    const row = this.#leaving(column);
    if (row < 0) throw new Error('assertion failed: a linear programme without bound');
    const before = this.#last[this.#variables] as number;
    this.#exchange(row, column);
    this.#idleSteps = (this.#last[this.#variables] as number) > before + EPSILON ? 0 : this.#idleSteps + 1;
    return true;
  }

  solution(): Float64Array {
    const x = new Float64Array(this.#variables);
    for (const [r, variable] of this.#basic.entries()) {
      if (variable < this.#variables) x[variable] = Math.max(0, this.#rows[r]?.[this.#variables] as number);
    }
    return x;
  }

  /** The column that gains most for each unit; the least variable of those that gain once it may go round in circles. */
  #entering(): number {
    const cautious = this.#idleSteps > IDLE_STEPS_MAX;
    let best = -1;
    for (let column = 0; column < this.#variables; column++) {
      const cost = this.#last[column] as number;
      if (cost >= -EPSILON) continue;
      if (best < 0) best = column;
      else if (cautious ? (this.#free[column] as number) < (this.#free[best] as number) : cost < this.#lastAt(best))
        best = column;
    }
    return best;
  }

  /** The row that reaches its limit first; of several, the least variable. */
  #leaving(column: number): number {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (const [r, row] of this.#rows.entries()) {
      const slope = row[column] as number;
      if (slope <= EPSILON) continue;
      const ratio = (row[this.#variables] as number) / slope;
      const tie = ratio <= least + EPSILON && best >= 0 && (this.#basic[r] as number) < (this.#basic[best] as number);
      if (ratio < least - EPSILON || best < 0 || tie) [best, least] = [r, Math.min(ratio, least)];
    }
    return best;
  }

  #exchange(r: number, column: number): void {
    const pivotRow = this.#rows[r] as Float64Array;
    const pivot = pivotRow[column] as number;
    pivotRow[column] = 1;
    for (let c = 0; c < pivotRow.length; c++) pivotRow[c] = (pivotRow[c] as number) / pivot;
    for (const row of this.#rows) if (row !== pivotRow) subtract(row, pivotRow, column);
    subtract(this.#last, pivotRow, column);
    const entering = this.#free[column] as number;
    this.#free[column] = this.#basic[r] as number;
    this.#basic[r] = entering;
  }

  #lastAt(column: number): number {
    return this.#last[column] as number;
  }
}

/** Takes the pivot row's variable out of a row. */
function subtract(row: Float64Array, pivotRow: Float64Array, column: number): void {
  const factor = row[column] as number;
  if (factor === 0) return;
  row[column] = 0;
  for (let c = 0; c < row.length; c++) row[c] = (row[c] as number) - factor * (pivotRow[c] as number);
}
