// What nodes near by send one another, as people are shown it.

/** The traffic of this node, and the round trips that it and others say. */
export interface NeighbourhoodState {
  /** Summaries of what was seen of instances. */
  readonly summariesSent: number;
  readonly bytesSent: number;
  readonly summariesReceived: number;
  /** A row for each node that says its round trips, this one first. */
  readonly roundTrips: readonly RoundTripRow[];
}

/** The round trips that one node measured. */
export interface RoundTripRow {
  readonly nodeId: string;
  /** Time since it said so, ms. */
  readonly ageMs: number;
  /** Round trips in ms, keyed by node, the nearest first. */
  readonly rttsMs: Readonly<Record<string, number>>;
}
