// The tables of the section "How well does it route?", with the papers' figures beside ours.

import { cell, markdownTable, percent, type Results, seconds } from './figures.ts';
import { floorsOf } from './floors.ts';
import {
  ALL_POLICIES,
  ALONE,
  ALONE_POLICIES,
  D13_POLICIES,
  EVENTS,
  LARGE,
  LOADED_POLICIES,
  LOADS,
  MODELS,
  PAPER_POLICIES,
  POISSON_POLICIES,
  UNLIKE_POLICIES,
} from './matrix.ts';

interface Published {
  readonly satisfied: string;
  readonly jain: string;
  readonly convergence: string;
}

/** Čilić et al., figures 3, 4 and 6; read off in words by the authors. */
const PUBLISHED: Readonly<Record<string, Published>> = {
  qedgeproxy: { satisfied: '95–100', jain: '0.85–0.90', convergence: '60 s' },
  'dec-sarsa': { satisfied: '70–90', jain: '0.85–0.90', convergence: '30 s' },
  'proxy-mity:alpha=1': { satisfied: '< 50', jain: 'low', convergence: 'at once' },
  'proxy-mity:alpha=0.9': { satisfied: '< 50', jain: 'low', convergence: 'at once' },
};

/** Level after the event, figures 10 and 11. */
const PUBLISHED_EVENTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  surge: {
    qedgeproxy: '≈ 90',
    'dec-sarsa': '≈ 90',
    'proxy-mity:alpha=1': 'sharp fall',
    'proxy-mity:alpha=0.9': 'sharp fall',
  },
  removal: {
    qedgeproxy: '≈ 90',
    'dec-sarsa': '≈ 80',
    'proxy-mity:alpha=1': 'small fall',
    'proxy-mity:alpha=0.9': 'small fall',
  },
};

/** AIoTwin D1.3, figure 27. */
const PUBLISHED_D13: Readonly<Record<string, readonly [statically: string, dynamically: string]>> = {
  'qedgeproxy-2024': ['99.86', '98.86'],
  'proxy-mity:alpha=1': ['99.97', '76.27'],
  'proxy-mity:alpha=0.8': ['91.01', '70.78'],
  'round-robin': ['28.70', '28.70'],
};

const EVENT_WORDS: Readonly<Record<(typeof EVENTS)[number], string>> = {
  surge: 'client surge, 60 → 90',
  removal: 'one of ten removed',
  hang: 'one hangs for 30 s',
  crash: 'one crashes, restarts after 30 s',
  slow: 'one at a third of its speed for 60 s',
  'link-delay': '100 ms more to one for 60 s',
  errors: 'one fails 20 % for 60 s',
  flapping: 'one flaps for 90 s',
};

export function tablesOf(results: Results): string {
  return [
    floorsTable(results),
    paperTable(results),
    loadsTable(results),
    eventsTable(results),
    d13Table(results),
    poissonTable(results),
    unlikeTable(results),
    aloneTable(results),
    otherTable(results),
  ].join('\n\n');
}

function floorsTable(results: Results): string {
  const rows = floorsOf(results).map(({ what, floor, reached, holds }) => [
    what,
    floor,
    holds ? reached : `**${reached}, falls short**`,
  ]);
  return `**What the default policy has to reach**, worst of both instance models (and of all seeds, unless it says mean):\n\n${markdownTable(['', 'to reach', 'reached'], rows)}`;
}

function paperTable(results: Results): string {
  const rows = ['oracle', ...ALL_POLICIES].map((policy) => {
    const of = (model: 'PS' | 'FS') => ({ scenario: 'paper-ps', model, load: 1, policy });
    const published = PUBLISHED[policy];
    return [
      `\`${policy}\``,
      ...MODELS.map((model) => cell(results.figure(of(model), (m) => m.satisfiedRatio))),
      published?.satisfied ?? '',
      ...MODELS.map((model) => cell(results.figure(of(model), (m) => m.successRatio))),
      cell(results.figure(of('PS'), (m) => m.worstClientRatio)),
      cell(
        results.figure(of('PS'), (m) => m.jainIndex),
        (value) => value.toFixed(2),
      ),
      published?.jain ?? '',
      cell(
        results.figure(of('PS'), (m) => m.convergenceS ?? Number.POSITIVE_INFINITY, 'greatest'),
        seconds,
      ),
      published?.convergence ?? '',
    ];
  });
  const header = [
    'policy',
    'satisfied PS',
    'FS',
    'paper',
    'success PS',
    'FS',
    'worst client',
    'Jain',
    'paper',
    'converges',
    'paper',
  ];
  return `**The paper's experiment** (30 load balancers, 10 instances, 120 clients; %):\n\n${markdownTable(header, rows)}`;
}

function loadsTable(results: Results): string {
  const policies = ['oracle', 'qedge', ...LOADED_POLICIES];
  const rows = policies.flatMap((policy) =>
    MODELS.map((model) => [
      `\`${policy}\` ${model}`,
      ...LOADS.flatMap((load) => {
        const where = { scenario: 'paper-ps', model, load, policy };
        return [
          cell(results.figure(where, (m) => m.satisfiedRatio)),
          cell(results.figure(where, (m) => m.steadySuccessRatio)),
        ];
      }),
    ]),
  );
  const header = ['policy, model', ...LOADS.flatMap((load) => [`satisfied × ${load}`, `steady × ${load}`])];
  return `**Under more load** (clients satisfied and steady success, %):\n\n${markdownTable(header, rows)}`;
}

function eventsTable(results: Results): string {
  const rows = EVENTS.map((scenario) => [
    EVENT_WORDS[scenario],
    ...PAPER_POLICIES.map((policy) => {
      const pair = MODELS.map((model) =>
        results.eventFigure({ scenario, model, policy }, (event) => event.lowestRatio),
      );
      const satisfied = MODELS.map((model) =>
        results.eventFigure({ scenario, model, policy }, (event) => event.satisfiedAfterRatio),
      );
      const [lowest, after] = [pair, satisfied].map((all) =>
        all.map((figure) => percent(figure?.worst ?? Number.NaN)).join(' / '),
      );
      const published = PUBLISHED_EVENTS[scenario]?.[policy];
      return `${lowest}; ${after}${published === undefined ? '' : `; paper ${published}`}`;
    }),
  ]);
  const header = ['event', ...PAPER_POLICIES.map((policy) => `\`${policy}\``)];
  return `**When something happens** (lowest success over any 10 s from the event on; clients satisfied in the worst spell; worst topology, PS / FS, %):\n\n${markdownTable(header, rows)}`;
}

function d13Table(results: Results): string {
  const rows = D13_POLICIES.map((policy) => {
    const success = (scenario: string): string =>
      cell(
        results.figure({ scenario, policy }, (m) => m.successRatio),
        (value) => percent(value, 2),
      );
    const [statically = '', dynamically = ''] = PUBLISHED_D13[policy] ?? [];
    return [`\`${policy}\``, success('d13-static'), statically, success('d13-dynamic'), dynamically];
  });
  return `**AIoTwin D1.3** (seven instances, one client; success, %):\n\n${markdownTable(['policy', 'static', 'published', 'dynamic', 'published'], rows)}`;
}

const PER_CLIENT_HEADER = ['satisfied', 'in nearly every window', 'success', 'worst client'] as const;

function perClient(results: Results, where: Parameters<Results['where']>[0]): string[] {
  return [
    cell(results.figure(where, (m) => m.satisfiedRatio)),
    cell(results.figure(where, (m) => m.strictlySatisfiedRatio)),
    cell(results.figure(where, (m) => m.successRatio)),
    cell(results.figure(where, (m) => m.worstClientRatio)),
  ];
}

function poissonTable(results: Results): string {
  const rows = POISSON_POLICIES.flatMap((policy) =>
    MODELS.map((model) => {
      const where = { scenario: 'paper-ps-poisson', load: 1.2, model, policy };
      return [`\`${policy}\` ${model}`, ...perClient(results, where)];
    }),
  );
  const header = ['policy, model', ...PER_CLIENT_HEADER];
  return (
    '**Requests at random** instead of in step: the same with Poisson clients at 1.2 times the load, where queues form by ' +
    `chance. *In nearly every window*: clients satisfied that also were so in at least 90 % of all 10 s windows (%):\n\n${markdownTable(header, rows)}`
  );
}

function unlikeTable(results: Results): string {
  const rows = [1, 1.2].flatMap((load) =>
    UNLIKE_POLICIES.map((policy) => [
      `\`${policy}\` × ${load}`,
      ...perClient(results, { scenario: 'unlike-clients', load, policy }),
    ]),
  );
  return (
    '**Unlike clients**: one of four asks for five times as much work as the others, PS ' +
    `(%):\n\n${markdownTable(['policy, load', ...PER_CLIENT_HEADER], rows)}`
  );
}

const ALONE_WORDS: Readonly<Record<string, string>> = {
  alone: 'periodic clients',
  'alone-poisson': 'Poisson clients',
  'mixed-hardware': 'one of them runs hot',
  hiccups: 'the uplink stalls for moments',
};

function aloneTable(results: Results): string {
  const rows = ALONE.map(({ scenario, load }) => [
    `${ALONE_WORDS[scenario]}${scenario.startsWith('alone') ? `, ${Math.round(120 * load)}/s` : ''}`,
    ...ALONE_POLICIES.map((policy) => cell(results.figure({ scenario, load, policy }, (m) => m.successRatio))),
  ]);
  const header = ['', ...ALONE_POLICIES.map((policy) => `\`${policy}\``)];
  return (
    '**One load balancer alone** with five instances of three kinds of hardware (30, 20 and 10 ms of work, 316 requests/s in all), ' +
    `which its own requests fill; success, %:\n\n${markdownTable(header, rows)}`
  );
}

function otherTable(results: Results): string {
  const line = (what: string, where: Parameters<Results['where']>[0]): string[] => {
    const figure = (value: Parameters<Results['figure']>[1]) => cell(results.figure(where, value));
    return [
      what,
      figure((m) => m.satisfiedRatio),
      figure((m) => m.steadySuccessRatio),
      figure((m) => m.worstClientRatio),
    ];
  };
  const large = LARGE.flatMap((scenario) =>
    ['qedge', 'round-robin']
      .filter((policy) => results.where({ scenario, policy }).length > 0)
      .map((policy) => line(`${scenario.split('-')[1]} load balancers, \`${policy}\``, { scenario, policy })),
  );
  const unlike = MODELS.flatMap((model) =>
    PAPER_POLICIES.map((policy) =>
      line(`instances of three speeds, ${model}, \`${policy}\``, { scenario: 'heterogeneous', model, policy }),
    ),
  );
  const restarts = ['warm', 'cold'].map((state) => {
    const where = { scenario: `restart-${state}`, policy: 'qedge' };
    return `${state} ${cell(
      results.eventFigure(where, (event) => event.firstRatio),
      (value) => percent(value, 2),
    )}`;
  });
  const header = ['', 'satisfied', 'steady success', 'worst client'];
  return (
    `**Larger and unlike** (%):\n\n${markdownTable(header, [...large, ...unlike])}\n\n` +
    `**Restart of every load balancer at once**, success in the 10 s after it (%): ${restarts.join(', ')}.`
  );
}
