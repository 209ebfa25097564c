// How often models are sent, so that an epoch of training costs no more communication than the budget allows (AIoTwin D1.3, 3.2).

/** Epochs a client trains before it sends its model, and gatherings of an aggregator before it sends its own. Both ≥ 1. */
export interface Frequency {
  readonly epochs: number;
  readonly localRounds: number;
}

/** What one gathering costs, in units. */
export interface Traffic {
  /** All clients to their aggregators. */
  readonly local: number;
  /** All aggregators to the global one; 0 without a level of them. */
  readonly global: number;
}

/** How the frequency is found: `least` gives the fewest epochs, `published` repeats the search of the deliverable. */
export type FrequencySearch = 'least' | 'published';

/** More gatherings below add nothing but drift between the clusters. */
const LOCAL_ROUNDS_MAX = 20;
const EPOCHS_MAX = 1_000_000;

/** Units of communication for each epoch that the clients train. */
export function costPerEpoch({ local, global }: Traffic, { epochs, localRounds }: Frequency): number {
  return (global + localRounds * local) / (localRounds * epochs);
}

/**
 * The frequency that keeps the cost of an epoch within the budget.
 *
 * @param budget units per epoch, > 0
 * @returns null where no frequency of sense does
 */
export function findFrequency(traffic: Traffic, budget: number, search: FrequencySearch): Frequency | null {
  if (!(budget > 0) || !Number.isFinite(traffic.local + traffic.global)) return null;
  if (costPerEpoch(traffic, { epochs: EPOCHS_MAX, localRounds: LOCAL_ROUNDS_MAX }) > budget) return null;
  if (traffic.global === 0) return { epochs: leastEpochs(traffic, budget, 1), localRounds: 1 };
  return search === 'published' ? published(traffic, budget) : least(traffic, budget);
}

function least(traffic: Traffic, budget: number): Frequency {
  const epochs = leastEpochs(traffic, budget, LOCAL_ROUNDS_MAX);
  let localRounds = 1;
  while (costPerEpoch(traffic, { epochs, localRounds }) > budget) localRounds++;
  return { epochs, localRounds };
}

function leastEpochs(traffic: Traffic, budget: number, localRounds: number): number {
  // Rounding may leave the quotient a hair beside a whole number: what counts is the cost itself.
  const near = Math.ceil(costPerEpoch(traffic, { epochs: 1, localRounds }) / budget);
  let epochs = Math.max(1, near - 1);
  while (costPerEpoch(traffic, { epochs, localRounds }) > budget) epochs++;
  return epochs;
}

/** One more gathering, then up to five more epochs, again and again; whether it is enough is seen at the head of the loop alone. */
function published(traffic: Traffic, budget: number): Frequency {
  const isTooCostly = (frequency: Frequency): boolean => costPerEpoch(traffic, frequency) > budget;
  let frequency: Frequency = { epochs: 1, localRounds: 1 };
  let enough = !isTooCostly(frequency);
  while (!enough) {
    frequency = { ...frequency, localRounds: frequency.localRounds + 1 };
    enough = !isTooCostly(frequency);
    for (let more = 0; more < 5 && isTooCostly(frequency); more++) {
      frequency = { ...frequency, epochs: frequency.epochs + 1 };
    }
  }
  return frequency;
}
