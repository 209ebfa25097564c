// Arrays by handle grow by doubling when an instance joins, never on the request path.

const LENGTH_FIRST = 8;

/** The same array when it is long enough, else a longer copy whose new entries hold `fill`. */
export function grownFloat64(array: Float64Array<ArrayBuffer>, length: number, fill = 0): Float64Array<ArrayBuffer> {
  if (length <= array.length) return array;
  const longer = new Float64Array(Math.max(LENGTH_FIRST, length, array.length * 2)).fill(fill);
  longer.set(array);
  return longer;
}
