// Time as an argument. The core never reads an ambient clock; its driver owns one of these.

export interface Clock {
  /** Milliseconds on a monotonic axis of the driver's choice (process time, virtual time). Fractions allowed. */
  nowMs(): number;
}
