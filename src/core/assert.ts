// Assertions are for our own bugs; expected failures are values or typed errors.

/** Throws when `condition` is false: a defect in qedge, never bad input. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** Ends an exhaustive switch over a closed union. */
export function assertNever(value: never): never {
  throw new Error(`assertion failed: unhandled ${JSON.stringify(value)}`);
}
