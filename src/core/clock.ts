// Time as an argument. The core never reads an ambient clock; its driver owns one of these.

/** Milliseconds that never go back; where they begin has no meaning. */
export interface Clock {
  /** Milliseconds on a monotonic axis of the driver's choice (process time, virtual time). Fractions allowed. */
  nowMs(): number;
}
