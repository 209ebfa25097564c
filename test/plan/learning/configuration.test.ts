// The figures that AIoTwin D1.3 publishes (figures 11 to 17), to the last digit, and better ones beside them.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type ConfigurationRequest,
  configure,
  NoConfigurationError,
} from '../../../src/plan/learning/configuration.ts';
import { parseNodes } from '../../../src/plan/learning/nodes-file.ts';
import { type LearningTopology, without } from '../../../src/plan/learning/topology.ts';

const FILE = resolve(import.meta.dirname, '../../../config/learning/d13-nodes.csv');
const D13 = parseNodes('d13-nodes.csv', readFileSync(FILE, 'utf8'));
const REQUEST: ConfigurationRequest = { strategy: 'min-kld', modelMb: 10, budget: 600, search: 'least', seed: 1 };

function left(...ids: string[]): LearningTopology {
  const rest = without(D13, ids);
  if (typeof rest === 'string') throw new Error(rest);
  return rest;
}

describe('a configuration for the nodes of D1.3', () => {
  it('has the published divergence, and the cheapest of the clusters that have it', () => {
    expect(configure(D13, REQUEST)).toEqual({
      global: 'n1',
      clusters: [
        { aggregator: 'n2', clients: ['n5', 'n6', 'n7'] },
        { aggregator: 'n3', clients: ['n4', 'n8', 'n9'] },
      ],
      divergence: 0.22441057019914015,
      epochs: 8,
      localRounds: 7,
      costPerEpoch: 33_500 / 56,
    });
  });

  it('is found by looking at every partition, within 50 ms', () => {
    configure(D13, REQUEST);
    const before = process.cpuUsage();
    configure(D13, REQUEST);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(50);
  });

  it('has the published frequency and cost for the published clusters', () => {
    const clusters = new Map([
      ['n2', ['n4', 'n8', 'n9']],
      ['n3', ['n5', 'n6', 'n7']],
    ]);
    const published = configure(D13, { ...REQUEST, search: 'published', clusters });
    expect(published).toMatchObject({ divergence: 0.22441057019914015, epochs: 11, localRounds: 4 });
    expect(published.costPerEpoch.toFixed(4)).toBe('590.9091');
  });

  it('has the published figures without n9, and fewer epochs by the search for the least', () => {
    const clusters = new Map([
      ['n2', ['n4', 'n5', 'n7']],
      ['n3', ['n6', 'n8']],
    ]);
    const published = configure(left('n9'), { ...REQUEST, search: 'published', clusters });
    expect(published).toMatchObject({ divergence: 0.37967447155304745, epochs: 9, localRounds: 4 });
    expect(published.costPerEpoch).toBeCloseTo(555.5555, 3);
    expect(configure(left('n9'), { ...REQUEST, clusters })).toMatchObject({ epochs: 8, localRounds: 7 });
    expect(configure(left('n9'), REQUEST).divergence).toBe(0.37967447155304745);
  });

  it('has one level where one aggregator is left: 500 units and 4 epochs for two clients at 100 units', () => {
    const survey = parseNodes('survey.csv', 'orch,global-aggregator\na,client,orch:100,0:10\nb,client,orch:100,1:10');
    expect(configure(survey, REQUEST)).toEqual({
      global: 'orch',
      clusters: [{ aggregator: 'orch', clients: ['a', 'b'] }],
      divergence: null,
      epochs: 4,
      localRounds: 1,
      costPerEpoch: 500,
    });
    expect(configure(left('n2'), REQUEST).clusters).toEqual([
      { aggregator: 'n1', clients: ['n4', 'n5', 'n6', 'n7', 'n8', 'n9'] },
    ]);
  });

  it('puts each client where its link costs least, as far as there is room', () => {
    const { clusters, costPerEpoch } = configure(D13, {
      ...REQUEST,
      strategy: 'min-cost',
      frequency: { epochs: 1, localRounds: 1 },
    });
    expect(clusters.map(({ clients }) => clients.length)).toEqual([3, 3]);
    expect(clusters[0]?.clients).toContain('n7');
    expect(clusters[1]?.clients).toEqual(expect.arrayContaining(['n4', 'n9']));
    expect(costPerEpoch).toBe(10 * (50 + 50 + 50 + 100 + 100 + 100) + 10 * 200);
  });

  it('says why there is none', () => {
    const why = (topology: LearningTopology, request: Partial<ConfigurationRequest>) => () =>
      configure(topology, { ...REQUEST, ...request });
    expect(why(D13, { budget: 1e-6 })).toThrow('no frequency keeps an epoch within 0.000001 units');
    expect(why(D13, { clusters: new Map([['n2', ['n4']]]) })).toThrow('clients without a cluster: n5, n6, n7, n8, n9');
    expect(why(D13, { clusters: new Map([['n9', ['n4']]]) })).toThrow('no such aggregator: "n9"');
    expect(why(left('n5', 'n6', 'n7', 'n8', 'n9'), {})).toThrow('at least a client for each aggregator, got 1 for 2');
    const lonely = parseNodes(
      'lonely.csv',
      'g,global-aggregator\na,aggregator,g:1\nb,aggregator,g:1\nc,client,a:1,0:1\nd,client,,0:1',
    );
    expect(why(lonely, {})).toThrow(new NoConfigurationError('no link to any aggregator: d'));
  });
});
