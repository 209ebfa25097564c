// The same digits learned in other ways, in this process: from all of them in one place, and without a level of aggregators. What a
// hierarchy costs and saves shows beside them.

import { createRng } from '../../core/rng.ts';
import { type ConfigurationRequest, configure, type LearningConfiguration } from '../../plan/learning/configuration.ts';
import { roundCost } from '../../plan/learning/reconfiguration.ts';
import type { LearningTopology } from '../../plan/learning/topology.ts';
import { digitsOf, RATE, testDigits } from './service.ts';
import { average, qualityOf, train, WEIGHTS } from './softmax.ts';

/** One way to learn, after a number of epochs. */
export interface Alternative {
  readonly accuracy: number;
  readonly epochs: number;
  /** Units of communication for models; the samples themselves are not counted. */
  readonly units: number;
}

/** Trains on the samples of all clients in one place, for so many epochs: no model travels, so it costs no units. */
export function learnInOnePlace({ clients }: LearningTopology, epochs: number): Alternative {
  const digits = clients.flatMap(({ id, samples }) => digitsOf(id, samples));
  const weights = new Float64Array(WEIGHTS);
  train(weights, digits, { epochs, rate: RATE, rng: createRng(1) });
  return { accuracy: qualityOf(weights, testDigits()).accuracy, epochs, units: 0 };
}

/** All clients send to the global aggregator, as rarely as the budget asks for. */
export function learnOnOneLevel(
  topology: LearningTopology,
  request: ConfigurationRequest,
  epochsMax: number,
): Alternative {
  const configuration: LearningConfiguration = configure({ ...topology, aggregators: [] }, request);
  const clients = topology.clients.map(({ id, samples }) => ({
    digits: digitsOf(id, samples),
    samples: [...samples.values()].reduce((sum, count) => sum + count, 0),
  }));
  const rng = createRng(1);
  const rounds = Math.max(1, Math.round(epochsMax / configuration.epochs));
  let weights: Float64Array = new Float64Array(WEIGHTS);
  for (let round = 0; round < rounds; round++) {
    const models = clients.map(({ digits, samples }) => {
      const own = weights.slice();
      train(own, digits, { epochs: configuration.epochs, rate: RATE, rng });
      return { weights: own, samples };
    });
    weights = average(models);
  }
  return {
    accuracy: qualityOf(weights, testDigits()).accuracy,
    epochs: rounds * configuration.epochs,
    units: rounds * roundCost(configuration),
  };
}
