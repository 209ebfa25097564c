import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/errors.ts';
import { eventSchema } from '../../src/scenario/event-schema.ts';
import { loadScenario } from '../../src/scenario/scenario-file.ts';
import {
  clientsSchema,
  headSchema,
  networkSchema,
  objectiveSchema,
  overrideSchema,
  qosSchema,
  topologySchema,
} from '../../src/scenario/scenario-schema.ts';
import { keysOf } from '../support/schema-keys.ts';

const SCENARIOS = resolve(import.meta.dirname, '../../config/scenarios');

const GOOD = `name = "small"
duration = "20s"
policies = ["round-robin"]
qos = { latency = "80ms" }

[topology]
kind = "matrix"
nodes = ["a", "b"]
rtt = [[0.5, 10], [10, 0.5]]
instances = ["a"]

[[clients]]
each = 1
rate = 10
`;

describe('a scenario file', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'qedge-scenario-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const load = (text: string) => {
    const file = join(directory, 'scenario.toml');
    writeFileSync(file, text);
    return loadScenario(file);
  };

  const problemsOf = (text: string): string[] => {
    try {
      load(text);
    } catch (error) {
      if (error instanceof ConfigError) return error.message.split('\n');
      throw error;
    }
    return [];
  };

  it('asks for several things in the words of a service', () => {
    const qos = 'qos = { latency = "80ms", mean_latency = "50ms", accuracy = { min = 0.95, share = 0.8 } }';
    const { requirements } = load(
      `${GOOD.replace('qos = { latency = "80ms" }', qos)}\n[objective]\nleast = "energy"\n`,
    );
    expect(requirements).toMatchObject({
      meanLatencyMs: 50,
      shares: [{ accuracyMin: 0.95, share: 0.8 }],
      objective: { least: 'energy', keepRatio: 0.02 },
    });
  });

  it('names requirements that contradict one another', () => {
    const qos = 'qos = { latency = "80ms", availability = { share = 0.9, over = "1s" } }';
    expect(problemsOf(GOOD.replace('qos = { latency = "80ms" }', qos))).toEqual([
      'scenario.toml:4:27: qos.availability: over is less than qos.window, 10 s: expected as much or more',
    ]);
  });

  it('fills in every default', () => {
    expect(load(GOOD)).toMatchObject({
      name: 'small',
      durationMs: 20_000,
      steadyFromMs: 10_000,
      load: 1,
      seeds: [1],
      qos: { latencyMs: 80, successRatio: 0.9, windowMs: 10_000 },
      network: { jitterMs: 0.5, retries: 1, timeoutMs: 1_000, probeMs: 10_000, placementMs: 200 },
      model: { discipline: 'processor-sharing', cores: 1, workMeanMs: 5, stallEveryMs: Number.POSITIVE_INFINITY },
      topology: { balancers: ['a', 'b'] },
      events: [],
    });
  });

  it('reports an unknown key, an unreachable node, a negative rate and a matrix of the wrong size, all at once and in place', () => {
    const text = GOOD.replace('[[0.5, 10], [10, 0.5]]', '[[0.5, 10], ["none", 0.5], [1]]')
      .replace('rate = 10', 'rate = -10')
      .replace('each = 1', 'each = 1\ntempo = 3')
      .replace('duration = "20s"', 'duration = "20s"\ndurations = 1');
    expect(problemsOf(text)).toEqual([
      'scenario.toml:3:1: durations: unknown key "durations", did you mean "duration"?',
      'scenario.toml:10:1: topology.rtt: expected 2 rows, one a node, got 3',
      'scenario.toml:10:19: topology.rtt: node "b" is out of reach of every instance: there is no way to any',
      'scenario.toml:10:34: topology.rtt: expected 2 round trips, one a node, got 1',
      'scenario.toml:15:1: clients.tempo: unknown key "tempo"',
      'scenario.toml:16:1: clients.rate: expected more than 0, got -10',
    ]);
  });

  it('knows a node that is too far for the limit', () => {
    expect(problemsOf(GOOD.replace('[10, 0.5]]', '[90, 0.5]]'))).toEqual([
      'scenario.toml:9:19: topology.rtt: node "b" is out of reach of every instance: the nearest is 90 ms away',
    ]);
  });

  it.each([
    ['an instance that is not there', 'kind = "hang"\ninstance = "i2"', 'no such instance: "i2"'],
    ['an event after the end', 'kind = "hang"\ninstance = "i1"', 'expected a time before the end of the run'],
    ['a node that is not there', 'kind = "join"\ninstance = "i2"\nnode = "c"', 'no such node: "c"'],
    ['an instance that is there already', 'kind = "join"\ninstance = "i1"\nnode = "b"', 'is there already'],
    ['a kind that does not exist', 'kind = "explode"\ninstance = "i1"', 'expected "join", "leave", "crash"'],
    ['a share above all', 'kind = "errors"\ninstance = "i1"\nratio = 1.5', 'expected at most 1, got 1.5'],
  ])('rejects %s', (what, event, message) => {
    const at = what === 'an event after the end' ? '20s' : '5s';
    const problems = problemsOf(`${GOOD}\n[[event]]\nat = "${at}"\n${event}\n`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
  });

  it.each([
    ['an instance that runs no stage', ['i1'], 'stage: no stage runs on i2'],
    ['an instance that runs two', ['i1', 'i2', 'i2'], 'instance "i2" runs another stage already'],
    ['an instance that is not there', ['i1', 'i2', 'i3'], 'no such instance: "i3"'],
  ])('rejects stages with %s', (_, instances, problem) => {
    const text = GOOD.replace('instances = ["a"]', 'instances = ["a", "b"]');
    const stages = instances.map((id, i) => `[[stage]]\nname = "s${i}"\ninstances = ["${id}"]\n`);
    const problems = problemsOf(`${text}\n${stages.join('\n')}`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  it('knows a split of the goal, or an oracle, where it means nothing', () => {
    const policies = (name: string): string => GOOD.replace('"round-robin"', `"${name}"`);
    const stage = '\n[[stage]]\nname = "s"\ninstances = ["i1"]\n';
    expect(problemsOf(policies('qedge@even')).join()).toContain('a split of the goal is for scenarios with [[stage]]');
    expect(problemsOf(policies('oracle') + stage).join()).toContain('the oracle knows no chains');
    expect(problemsOf(policies('qedge@even') + stage)).toEqual([]);
  });

  it('takes 60 s for learning, half of a run that is shorter than two minutes, or what it is asked', () => {
    const steadyOf = (duration: string): number => load(GOOD.replace('duration = "20s"', duration)).steadyFromMs;
    expect(steadyOf('duration = "180s"')).toBe(60_000);
    expect(steadyOf('duration = "60s"')).toBe(30_000);
    expect(steadyOf('duration = "20s"\nsteady = "0s"')).toBe(0);
    expect(problemsOf(GOOD.replace('duration = "20s"', 'duration = "20s"\nsteady = "20s"'))).toEqual([
      'scenario.toml:3:1: steady: expected a time before the end of the run',
    ]);
  });

  it.each([
    ['a node without a load balancer', 'on = ["b"]', '16:7: clients.on: node "b" carries no load balancer'],
    ['a node that is not there', 'on = ["a", "c"]', '16:12: clients.on: no such node: "c"'],
    ['more load balancers than there are', 'on = 2', '16:1: clients.on: expected at most 1, all load balancers, got 2'],
    ['an arrival after the end', 'at = "20s"', '16:1: clients.at: expected a time before the end of the run'],
    ['a departure before the arrival', 'at = "9s"\nuntil = "9s"', '17:1: clients.until: expected a time after at'],
  ])('rejects clients with %s', (_, key, problem) => {
    const text = GOOD.replace('instances = ["a"]', 'instances = ["a"]\nbalancers = ["a"]');
    const problems = problemsOf(`${text}${key}\n`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`scenario.toml:${problem}`);
  });

  it('rejects a restart on a node without a load balancer', () => {
    const text = GOOD.replace('instances = ["a"]', 'instances = ["a"]\nbalancers = ["a"]');
    expect(problemsOf(`${text}[[event]]\nat = "10s"\nkind = "restart"\nstate = "cold"\non = ["b"]\n`)).toEqual([
      'scenario.toml:20:7: event.on: node "b" carries no load balancer',
    ]);
  });

  it.each([
    ['an instance at random', '[[override]]\ninstances = ["random"]\n', 'no such instance: "random"'],
    [
      'an instance twice',
      '[[override]]\ninstances = ["i1"]\n[[override]]\ninstances = ["i1"]\n',
      'instance "i1" has a model of its own already',
    ],
  ])('rejects a model of its own for %s', (_, override, message) => {
    const problems = problemsOf(GOOD + override);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
  });

  it('knows a generated topology in which none can be in reach', () => {
    const text = GOOD.replace(/kind = "matrix".*instances = \["a"\]/s, 'kind = "europe"').replace('80ms', '8ms');
    expect(problemsOf(text)).toEqual([
      'scenario.toml:6:1: topology.idle: expected less than the limit, 8 ms, got 8 ms',
    ]);
  });

  it('rejects clients with silence but no time to send, and bursts on links to instances that are not there', () => {
    const events =
      '[[event]]\nkind = "bursts"\nat = "1s"\ninstances = ["i1", "i7"]\ngap = "1s"\nlength = "1s"\nadd = "1ms"\n';
    expect(problemsOf(`${GOOD}idle = "3s"\n\n${events}`)).toEqual([
      'scenario.toml:15:1: clients.idle: expected busy and idle together, or neither',
      'scenario.toml:20:20: event.instances: no such instance: "i7"',
    ]);
  });

  it('reads a model that answers in batches, loads first, and has a tail', () => {
    const model =
      'kind = "batching"\nbatch = { size = 4, delay = "3ms" }\nwork = { mean = "9ms", tail = 1.8 }\ncold = { load = "2s" }\n';
    expect(load(`${GOOD}\n[model]\n${model}`).model).toMatchObject({
      discipline: 'batching',
      batch: { size: 4, delayMs: 3, marginal: 0.2 },
      workTail: 1.8,
      coldLoadMs: 2_000,
      coldIdleMs: Number.POSITIVE_INFINITY,
    });
  });

  it('rejects a policy that is not known, and an option that the policy does not', () => {
    const problems = problemsOf(GOOD.replace('["round-robin"]', '["fastest", "round-robin:alpha=1"]'));
    expect(problems[0]).toContain('scenario.toml:3:13: policies: unknown policy "fastest"');
    expect(problems[1]).toContain('unknown option "alpha"');
  });

  it('knows the configuration of a proxy', () => {
    expect(problemsOf('[node]\nid = "a"\n[[service]]\nname = "p"\nqos.latency = "80ms"\n')).toEqual([
      'scenario.toml:1:1: this is a configuration: qedge run and qedge check read it',
    ]);
  });

  it('says when there is nothing to simulate', () => {
    expect(problemsOf(GOOD.slice(0, GOOD.indexOf('[[clients]]')))).toEqual([
      'scenario.toml:1:1: nothing to simulate: expected at least one [[clients]]',
    ]);
  });
});

describe('the scenario with every key', () => {
  const file = resolve(SCENARIOS, '../scenario.toml');
  const reference = readFileSync(file, 'utf8');

  it('holds exactly the defaults in the lines that are commented out', () => {
    const directory = mkdtempSync(join(tmpdir(), 'qedge-scenario-'));
    const uncommented = join(directory, 'scenario.toml');
    writeFileSync(uncommented, reference.replaceAll(/^#(?=[a-z])/gm, ''));
    expect([...reference.matchAll(/^#[a-z]/gm)].length).toBeGreaterThan(15);
    expect(loadScenario(uncommented)).toEqual(loadScenario(file));
    rmSync(directory, { recursive: true });
  });

  it('names every key that the schemas know', () => {
    const written = new Set(reference.match(/[a-z_]+(?= =)/g));
    const schemas = [
      headSchema,
      qosSchema,
      objectiveSchema,
      topologySchema,
      networkSchema,
      overrideSchema,
      clientsSchema,
      eventSchema,
    ];
    const known = schemas.flatMap(keysOf);
    expect(known.length).toBeGreaterThan(50);
    expect(known.filter((key) => !written.has(key))).toEqual([]);
  });

  it('shows every kind of event at work', () => {
    const kinds = loadScenario(file).events.map(({ kind }) => kind);
    // "link" is written as "delay" is, and reported there.
    expect([...kinds, 'link'].toSorted()).toEqual([
      'broker',
      'bursts',
      'crash',
      'delay',
      'errors',
      'flap',
      'hang',
      'hiccups',
      'join',
      'leave',
      'link',
      'restart',
      'slow',
      'uplink',
    ]);
  });
});

describe('the scenarios that come with qedge', () => {
  it.each(readdirSync(SCENARIOS))('%s is good', (name) => {
    const { durationMs, clients } = loadScenario(join(SCENARIOS, name));
    expect(durationMs).toBeGreaterThan(0);
    expect(clients.length).toBeGreaterThan(0);
  });
});
