// A map of nodes of which only the round trips are known: classical multidimensional scaling (Torgerson 1952) puts them on a plane so
// that what is near is near.

export interface Point {
  readonly x: number;
  readonly y: number;
}

const ITERATIONS = 200;

/** @param rttMs node × node, row by row @returns a point each, in ms around the middle of all */
export function outline(rttMs: Float64Array, nodes: number): Point[] {
  const centred = doubleCentred(rttMs, nodes);
  const axes = [0, 1].map((axis) => {
    const vector = principalAxis(centred, nodes, axis);
    const value = Math.max(0, dot(multiplied(centred, vector, nodes), vector));
    for (let a = 0; a < nodes; a++) {
      for (let b = 0; b < nodes; b++) {
        const at = a * nodes + b;
        centred[at] = (centred[at] as number) - value * (vector[a] as number) * (vector[b] as number);
      }
    }
    return vector.map((one) => one * Math.sqrt(value));
  });
  return Array.from({ length: nodes }, (_, n) => ({ x: axes[0]?.[n] ?? 0, y: axes[1]?.[n] ?? 0 }));
}

/** −½·J·D²·J, the scalar products of the points that have these distances. */
function doubleCentred(rttMs: Float64Array, nodes: number): Float64Array {
  const finite = rttMs.filter(Number.isFinite);
  const far = 2 * finite.reduce((most, rtt) => Math.max(most, rtt), 0);
  const square = Float64Array.from(rttMs, (_, i) => {
    const [a, b] = [Math.floor(i / nodes), i % nodes];
    if (a === b) return 0;
    // The ways there and back may differ.
    const rtt = Math.min(far, ((rttMs[i] as number) + (rttMs[b * nodes + a] as number)) / 2);
    return rtt * rtt;
  });
  const rowMeans = Array.from({ length: nodes }, (_, a) => mean(square.subarray(a * nodes, (a + 1) * nodes)));
  const all = mean(rowMeans);
  return square.map(
    (value, i) => -0.5 * (value - (rowMeans[Math.floor(i / nodes)] as number) - (rowMeans[i % nodes] as number) + all),
  );
}

/** By power iteration, from a start that is the same each time. */
function principalAxis(matrix: Float64Array, nodes: number, axis: number): Float64Array {
  let vector = Float64Array.from({ length: nodes }, (_, n) => Math.sin((n + 1) * (axis + 1) * 1.7));
  for (let i = 0; i < ITERATIONS; i++) {
    const next = multiplied(matrix, vector, nodes);
    const length = Math.sqrt(dot(next, next));
    if (length === 0) return new Float64Array(nodes);
    vector = next.map((one) => one / length);
  }
  return vector;
}

function multiplied(matrix: Float64Array, vector: Float64Array, nodes: number): Float64Array {
  return Float64Array.from({ length: nodes }, (_, a) => dot(matrix.subarray(a * nodes, (a + 1) * nodes), vector));
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, one, i) => sum + one * (b[i] as number), 0);
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}
