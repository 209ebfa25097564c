import { describe, expect, it } from 'vitest';
import { ChainSet } from '../../../src/app/data-plane/chain-set.ts';
import type { RouterSnapshot } from '../../../src/core/service-router.ts';
import { configFrom } from '../../support/config.ts';

const TOML = `
[[service]]
name = "detector"
qos.latency = "80ms"
[[service]]
name = "planner"
qos.latency = "20ms"
[[chain]]
name = "way"
stages = ["detector", "planner"]
qos.latency = "150ms"
`;

const snapshotOf = (service: string): RouterSnapshot => ({
  version: 1,
  service,
  fingerprint: '',
  rtts: {},
  policy: null,
  clients: null,
});

/** A set in which the first stage was answered so often. */
function learned(answers: number): ChainSet {
  const set = new ChainSet(configFrom(TOML));
  for (let i = 0; i < answers; i++) {
    const turn = set.chains.get('way')?.begin({ clientId: 'c', run: String(i), service: 'detector' }, i);
    if (typeof turn === 'object') turn.end('answered', 10, i);
  }
  return set;
}

const samplesOf = (set: ChainSet): (number | undefined)[] =>
  set.states(100).flatMap(({ stages }) => stages.map(({ samples }) => samples));

describe('the chains of a data plane', () => {
  it('begin with the limits of the services for the work of the stages', () => {
    const [way] = new ChainSet(configFrom(TOML)).states(0);
    expect(way?.stages.map(({ shareMs }) => Math.round(shareMs))).toEqual([120, 30]);
  });

  it('keep what was learned of one over a reload that leaves it as it is, and nothing of another', () => {
    const set = learned(30);
    set.reload(configFrom(`${TOML}qos.window = "10s"\n`));
    expect(samplesOf(set)).toEqual([30, 0]);
    set.reload(configFrom(TOML.replace('150ms', '140ms')));
    expect(samplesOf(set)).toEqual([0, 0]);
    set.reload(configFrom(TOML.slice(0, TOML.indexOf('[[chain]]'))));
    expect(set.states(100)).toEqual([]);
  });

  it('leave what they learned with the service that each begins with, and take it back from there', () => {
    const set = learned(30);
    const kept = ['detector', 'planner'].map((service) => set.added(snapshotOf(service), 100));
    expect(kept.map(({ chains }) => chains !== undefined)).toEqual([true, false]);
    const next = new ChainSet(configFrom(TOML));
    next.restore(JSON.parse(JSON.stringify(kept)), 50, 50);
    expect(samplesOf(next)).toEqual([30, 0]);
  });
});
