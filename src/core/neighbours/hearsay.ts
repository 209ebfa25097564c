// What a policy reads of what neighbours say.

/** What neighbours say of an instance, for a policy to read. A weight is a number of samples; old ones count less. */
export interface Hearsay {
  /** Looks up what is said of the instance: the other fields hold until the next look. */
  look(handle: number, at: HearsayLook): void;
  /** Samples, discounted: how much others know of it. */
  readonly weight: number;
  /** Several neighbours see requests fail there. */
  readonly failing: boolean;
  /** Answers of the last half minute, and of them those within the limit: what to expect before there are own samples. */
  readonly lately: number;
  readonly latelyInTime: number;
  /** Neighbours that saw these. */
  readonly voices: number;
  /** Requests per second that neighbours send there; 0: none that is known. */
  sentPerSecond(handle: number, nowMs: number): number;
}

export interface HearsayLook {
  /** Processing may take so long, ms. */
  readonly limitMs: number;
  /** One's own samples there. */
  readonly ownWeight: number;
  readonly nowMs: number;
}
