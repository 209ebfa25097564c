// What of several requirements every client got, second by second: enough to judge every window afterwards.

/** An answer that reached its client. */
export interface Answer {
  readonly client: number;
  readonly emittedMs: number;
  readonly latencyMs: number;
  readonly instance: number;
  readonly group: number;
}

/** Whether an answer counts for an attribute share. */
export type Fits = (answer: Answer) => boolean;

export interface RequirementShape {
  readonly clients: number;
  readonly seconds: number;
  /** The counts of each attribute share. */
  readonly fits: readonly Fits[];
}

/** Counts of one run. Allocates at its start only. */
export class RequirementCounts {
  readonly #shape: RequirementShape;
  /** Answered requests, the sum of their latencies, and those that count for each share: [client × seconds + second]. */
  readonly answers: Uint32Array;
  readonly latencyMs: Float64Array;
  readonly fitting: readonly Uint32Array[];

  constructor(shape: RequirementShape) {
    const size = shape.clients * shape.seconds;
    this.#shape = shape;
    this.answers = new Uint32Array(size);
    this.latencyMs = new Float64Array(size);
    this.fitting = shape.fits.map(() => new Uint32Array(size));
  }

  answered(answer: Answer): void {
    const { seconds, fits } = this.#shape;
    const at = answer.client * seconds + Math.min(seconds - 1, Math.floor(answer.emittedMs / 1_000));
    (this.answers[at] as number)++;
    (this.latencyMs[at] as number) += answer.latencyMs;
    for (let s = 0; s < fits.length; s++) {
      const counts = this.fitting[s] as Uint32Array;
      if (fits[s]?.(answer) === true) (counts[at] as number)++;
    }
  }
}
