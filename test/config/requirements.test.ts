// What a service asks for beside latency: how it is written, what contradicts what, and what may surprise.

import { describe, expect, it } from 'vitest';
import { configNotes } from '../../src/config/notes.ts';
import { requirementsOf } from '../../src/config/requirements.ts';
import { NO_REQUIREMENTS, type Requirements } from '../../src/core/requirements/requirements.ts';
import { ConfigError } from '../../src/errors.ts';
import { configFrom } from '../support/config.ts';

const service = (qos: string, more = ''): string => `[[service]]
name = "detector"
${more}
instances = ["http://10.0.0.7:9000"]
[service.qos]
latency = "80ms"
${qos}
`;

const askedBy = (text: string): Requirements => {
  const [first] = configFrom(text).services;
  if (first === undefined) throw new Error('no service');
  return requirementsOf(first);
};

const problemsOf = (text: string): readonly string[] => {
  try {
    configFrom(text);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
};

describe('the requirements of a service', () => {
  it('are none but the latency goal where nothing else is written', () => {
    expect(askedBy(service(''))).toEqual(NO_REQUIREMENTS);
  });

  it('are read as they are written, accuracy before the other shares', () => {
    const written = `mean_latency = "50ms"
reliability = 0.999
availability = { share = 0.99, over = "1h" }
throughput = { min = "20/s" }
accuracy = { min = 0.95, share = 0.8 }
shares = [{ share = 0.5, labels = { zone = "home" } }]
security = { tls = true, tiers = ["far-edge"], hops_max = 2, labels = { tpm = "2.0" } }
[service.objective]
least = "energy"`;
    const none = { tls: false, tiers: null, hopsMax: null, labels: {}, accuracyMin: null };
    expect(askedBy(service(written))).toEqual({
      meanLatencyMs: 50,
      reliabilityRatio: 0.999,
      availability: { share: 0.99, overMs: 3_600_000 },
      throughputPerSecondMin: 20,
      shares: [
        { ...none, name: 'accuracy', share: 0.8, accuracyMin: 0.95 },
        { ...none, name: 'zone=home', share: 0.5, labels: { zone: 'home' } },
      ],
      security: { tls: true, tiers: ['far-edge'], hopsMax: 2, labels: { tpm: '2.0' }, accuracyMin: null },
      objective: { least: 'energy', keepRatio: 0.02 },
    });
  });

  it.each([
    ['throughput = { min = "20" }', 'service.qos.throughput.min: expected a rate such as "20/s", got "20"'],
    ['throughput = { min = "0/s" }', 'service.qos.throughput.min: expected a rate such as "20/s", got "0/s"'],
    ['accuracy = 0.95', 'service.qos.accuracy: expected a table such as { min = 0.95, share = 0.8 }, got 0.95'],
    [
      'availability = 0.99',
      'service.qos.availability: expected a table such as { share = 0.99, over = "1h" }, got 0.99',
    ],
    ['throughput = "20/s"', 'service.qos.throughput: expected a table such as { min = "20/s" }, got "20/s"'],
    ['security = true', 'service.qos.security: expected a table such as { tls = true, hops_max = 1 }, got true'],
    ['reliability = 1.5', 'service.qos.reliability: expected at most 1, got 1.5'],
    ['accuracy = { share = 0.5 }', 'service.qos.accuracy.min: missing, expected a number'],
    ['accuracy = { min = 0.9, share = 0 }', 'service.qos.accuracy.share: expected more than 0, got 0'],
    ['security = {}', 'service.qos.security: expected one at least of tls, tiers, hops_max and labels, got a table'],
    ['security = { tiers = [] }', 'service.qos.security.tiers: expected a list with at least 1, got an empty list'],
    [
      'shares = [{ share = 0.5 }]',
      'service.qos.shares: expected one at least of tls, tiers, hops_max and labels, got a table',
    ],
    [
      'availability = { share = 0.99, over = "5s" }',
      'service.qos.availability: over is less than qos.window, 10 s: expected as much or more',
    ],
    [
      'security = { tiers = ["cloud"] }\nshares = [{ share = 0.5, tiers = ["far-edge"] }]',
      'service.qos.shares: contradicts qos.security: no instance is of tier far-edge and of cloud',
    ],
    [
      'shares = [{ share = 0.6, labels = { zone = "home" } }, { share = 0.5, labels = { zone = "away" } }]',
      'service.qos.shares: contradicts another share: no instance has zone=away and zone=home, and the two add up to 1.1, more than all requests',
    ],
    [
      'shares = [{ share = 0.4, labels = { zone = "a" } }, { share = 0.4, labels = { zone = "b" } }, { share = 0.4, labels = { zone = "c" } }]',
      'service.qos.shares: contradicts other shares: no instance serves two of zone=c and zone=b and zone=a, and they add up to 1.2, more than all requests',
    ],
    [
      'shares = [{ share = 0.6, labels = { zone = "home" } }, { share = 0.5, labels = { zone = "home" } }]',
      'service.qos.shares: a share of zone=home is asked for already',
    ],
    [
      'success = 0.99\n[service.objective]\nleast = "cost"',
      'service.objective.keep: nothing would ever be spent on cost: 0.02 above qos.success, 0.99, is more than all',
    ],
  ])('are refused where they mean nothing or contradict one another: %s', (written, problem) => {
    expect(problemsOf(service(written))).toEqual([problem]);
  });

  it.each([
    ['accuracy = { min = 0.9 }', 'service.accuracy: unknown key "accuracy" here, expected in service.qos'],
    ['least = "energy"', 'service.least: unknown key "least" here, expected in service.objective'],
    ['tls = true', 'service.tls: unknown key "tls" here, expected in service.qos.shares or service.qos.security'],
  ])('that stand outside their table are pointed to it: %s', (written, problem) => {
    const text = `[[service]]\nname = "detector"\ninstances = ["10.0.0.7:9000"]\nqos.latency = "80ms"\n${written}\n`;
    expect(problemsOf(text)).toEqual([problem]);
  });

  it('and what a profile holds is pointed to the profile of the same instance', () => {
    const own = '[[announce]]\nservice = "detector"\nurl = "http://10.0.0.8:9000"\naccuracy = 0.9\nenergy_mwh = 0.1\n';
    expect(problemsOf(service('') + own)).toEqual([
      'announce.accuracy: unknown key "accuracy" here, expected in announce.profile',
      'announce.energy_mwh: unknown key "energy_mwh" here, expected in announce.profile',
    ]);
    const listed = service('').replace('"http://10.0.0.7:9000"', '{ url = "http://10.0.0.7:9000", accuracy = 0.9 }');
    expect(problemsOf(listed)).toEqual([
      'service.instances.accuracy: unknown key "accuracy" here, expected in service.instances.profile',
    ]);
  });

  it('that stand in no service are pointed to it', () => {
    expect(problemsOf(`${service('')}[objective]\nleast = "energy"`)).toEqual([
      'objective: unknown key "objective" here, expected in service',
    ]);
  });

  it('are refused where they contradict the constraints', () => {
    const constraints = 'constraints = { tpm = "1.2" }';
    expect(problemsOf(service('security = { labels = { tpm = "2.0" } }', constraints))).toEqual([
      'service.qos.security: contradicts service.constraints: no instance has tpm=2.0 and tpm=1.2',
    ]);
  });

  it('may share what excludes one another, as long as that is no more than all', () => {
    const shares = 'shares = [{ share = 0.5, labels = { a = "1" } }, { share = 0.5, labels = { a = "2" } }]';
    expect(problemsOf(service(shares))).toEqual([]);
  });

  it('are noted where the policy knows nothing of them, and where no instance can meet them', () => {
    const config = configFrom(
      service(
        'reliability = 0.99\navailability = { share = 0.9, over = "1h" }\naccuracy = { min = 0.9 }\nsecurity = { tls = true }',
        'policy = "random"',
      ),
    );
    expect(configNotes(config, null)).toEqual([
      'service.qos.reliability of "detector" is not steered for, since policy random knows nothing of it',
      'service.qos.availability of "detector" is not steered for, since policy random knows nothing of it',
      'service.qos.security of "detector": no instance has tls, so that all requests get 503',
      'service.qos of "detector": no instance has accuracy of 0.9 or more, so that its share cannot be met',
    ]);
  });

  it('are noted where the instances that could meet them are barred', () => {
    const instances =
      '"http://10.0.0.7:9000", { url = "http://10.0.0.8:9000", labels = { zone = "home", tier = "cloud" } }';
    const asked = 'security = { tiers = ["far-edge"] }\nshares = [{ share = 0.5, labels = { zone = "home" } }]';
    const text = service(asked)
      .replace('"http://10.0.0.7:9000"', instances)
      .concat('[node]\nid = "10.0.0.7"\ntier = "far-edge"\n');
    expect(configNotes(configFrom(text), null)).toEqual([
      'service.qos of "detector": no instance that qos.security lets through has zone=home, so that its share cannot be met',
    ]);
  });

  it.each([
    ['0.95', '[60, 97]', 'min is 0.95, and an instance has an accuracy of 97'],
    ['95', '0.97', 'min is 95, and an instance has an accuracy of 0.97'],
  ])('are noted where min = %s is beside an accuracy of %s', (min, accuracy, said) => {
    const own = `[[announce]]\nservice = "detector"\nurl = "http://10.0.0.8:9000"\nprofile = { accuracy = ${accuracy} }\n[mqtt]\nurl = "mqtt://10.0.0.1:1883"\n`;
    const text = service(`accuracy = { min = ${min} }`) + own;
    const note = `service.qos.accuracy of "detector": ${said}; expected both as shares of 1, or both in percent`;
    expect(configNotes(configFrom(text), null)).toContain(note);
    const listed = service(`accuracy = { min = ${min} }`).replace(
      '"http://10.0.0.7:9000"',
      `{ url = "http://10.0.0.7:9000", profile = { accuracy = ${accuracy} } }`,
    );
    expect(configNotes(configFrom(listed), null)).toContain(note);
    const same = text.replace(/min = [\d.]+/, `min = ${accuracy === '0.97' ? '0.9' : '73'}`);
    expect(configNotes(configFrom(same), null).filter((one) => one.includes('percent'))).toEqual([]);
  });

  it('are noted where there is room to keep and nothing to spend it on', () => {
    const note = 'service.objective.keep of "detector" changes nothing without objective.least';
    expect(configNotes(configFrom(service('[service.objective]\nkeep = 0.05')), null)).toEqual([note]);
    const spent = service('[service.objective]\nkeep = 0.05\nleast = "energy"');
    expect(configNotes(configFrom(spent), null)).not.toContain(note);
  });

  it('are noted by what this node announces and by what files list, where these are all there is', () => {
    const objective = '[service.objective]\nleast = "energy"\n';
    const alone = `[[service]]\nname = "detector"\nqos = { latency = "80ms", shares = [{ share = 0.5, labels = { zone = "home" } }] }\n${objective}`;
    const own = (more: string): string => `[[announce]]\nservice = "detector"\nurl = "http://10.0.0.8:9000"\n${more}\n`;
    const notes = [
      'service.qos of "detector": no instance has zone=home, so that its share cannot be met',
      'service.objective of "detector": no instance has energy_mwh in its profile, so that nothing is saved',
    ];
    expect(configNotes(configFrom(alone + own('')), null)).toEqual(notes);
    const said = own('profile = { energy_mwh = 0.1 }\nlabels = { zone = "home" }');
    expect(configNotes(configFrom(alone + said), null)).toEqual([]);
    const file = configFrom(`${alone}[placement.file]\npath = "list.toml"\n`);
    const listed = {
      service: 'detector',
      nodeId: 'a',
      id: 'a',
      scheme: 'http',
      host: 'a',
      port: 1,
      labels: {},
    } as const;
    expect(configNotes(file, null)).toEqual([]);
    expect(configNotes(file, null, [])).toEqual([]);
    expect(configNotes(file, null, [{ ...listed, profile: null }])).toEqual(notes);
    expect(configNotes(file, null, [{ ...listed, profile: { energy_mwh: 0.1 } }])).toEqual(notes.slice(0, 1));
  });

  it('are noted where an objective knows nothing of some of the instances', () => {
    const listed = '{ url = "http://10.0.0.7:9000", profile = { energy_mwh = 0.1 } }, ';
    const text = service('[service.objective]\nleast = "energy"').replace(
      'instances = [',
      `instances = [${listed}{ url = "http://10.0.0.8:9000", profile = { energy = 0.1 } }, `,
    );
    expect(configNotes(configFrom(text.replace(', "http://10.0.0.7:9000"]', ']')), null)).toEqual([
      'service.objective of "detector": 1 of 2 instances have no energy_mwh in their profile and count as the dearest',
    ]);
  });

  it('are noted where an objective has nothing to go by', () => {
    const config = configFrom(service('[service.objective]\nleast = "energy"'));
    expect(configNotes(config, null)).toEqual([
      'service.objective of "detector": no instance has energy_mwh in its profile, so that nothing is saved',
    ]);
  });
});
