// Which runs the routing benchmark is made of. "Five topologies" are seeds 101 to 105, which nothing was tuned on.

export type Model = 'PS' | 'FS';

export interface Cell {
  /** File in config/scenarios, without `.toml`. */
  readonly scenario: string;
  /** Null: the model that the file has. */
  readonly model: Model | null;
  readonly load: number;
  readonly policies: readonly string[];
  readonly seeds: readonly number[];
}

export const ALL_POLICIES = [
  'qedge',
  'qedgeproxy',
  'qedgeproxy-2024',
  'dec-sarsa',
  'proxy-mity:alpha=1',
  'proxy-mity:alpha=0.9',
  'p2c-ewma',
  'least-connections',
  'random',
  'round-robin',
] as const;

/** What is put under more load. */
export const LOADED_POLICIES = ['qedgeproxy', 'dec-sarsa', 'p2c-ewma'] as const;

/** What the papers compare. */
export const PAPER_POLICIES = [
  'qedge',
  'qedgeproxy',
  'dec-sarsa',
  'proxy-mity:alpha=1',
  'proxy-mity:alpha=0.9',
] as const;

export const LOADS = [1, 1.1, 1.2] as const;
export const MODELS: readonly Model[] = ['PS', 'FS'];

/** Scenarios in which something happens to one instance or to the clients. */
export const EVENTS = ['surge', 'removal', 'hang', 'crash', 'slow', 'link-delay', 'errors', 'flapping'] as const;

export const D13_POLICIES = [
  'qedge',
  'qedgeproxy',
  'qedgeproxy-2024',
  'proxy-mity:alpha=1',
  'proxy-mity:alpha=0.8',
  'round-robin',
] as const;

const ALONE_LOADS = [0.75, 1, 1.25, 1.5] as const;

/** One load balancer that fills its instances by itself, at these loads; and one whose uplink stalls. */
export const ALONE = [
  ...ALONE_LOADS.map((load) => ({ scenario: 'alone', load })),
  ...ALONE_LOADS.map((load) => ({ scenario: 'alone-poisson', load })),
  { scenario: 'mixed-hardware', load: 1 },
  { scenario: 'hiccups', load: 1 },
] as const;
export const ALONE_POLICIES = ['qedge', 'qedgeproxy', 'p2c-ewma', 'least-connections', 'round-robin'] as const;

/** What is compared under Poisson clients: the default with a lower price, and the others. */
export const POISSON_POLICIES = [
  'oracle',
  'qedge',
  'qedge:price=0.2',
  'qedgeproxy',
  'p2c-ewma',
  'least-connections',
  'round-robin',
] as const;

/** What is compared where clients ask for unlike amounts of work. */
export const UNLIKE_POLICIES = [
  'oracle',
  'qedge',
  'qedgeproxy',
  'p2c-ewma',
  'least-connections',
  'round-robin',
] as const;

export const LARGE = ['balancers-100', 'balancers-1000'] as const;

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

export interface Depth {
  /** Seeds of the default policy and of the oracle in the paper's experiment. */
  readonly own: readonly number[];
  /** Seeds of the other policies there, and of the default policy when something happens. */
  readonly topologies: readonly number[];
  /** Seeds of the other policies when something happens. */
  readonly others: readonly number[];
  readonly thousand: boolean;
}

export const DEPTHS: Readonly<Record<'quick' | 'medium' | 'full', Depth>> = {
  quick: { own: [101], topologies: [101], others: [101], thousand: false },
  medium: { own: range(101, 110), topologies: range(101, 105), others: [101, 102], thousand: true },
  full: { own: range(101, 140), topologies: range(101, 105), others: range(101, 105), thousand: true },
};

export function cellsOf({ own, topologies, others, thousand }: Depth): Cell[] {
  const paper = MODELS.flatMap((model) =>
    LOADS.flatMap((load) => [
      { scenario: 'paper-ps', model, load, policies: ['oracle', 'qedge'], seeds: own },
      {
        scenario: 'paper-ps',
        model,
        load,
        policies: load === 1 ? ALL_POLICIES.slice(1) : LOADED_POLICIES,
        seeds: topologies,
      },
    ]),
  );
  const unlike = [1, 1.2].map((load) => {
    return { scenario: 'unlike-clients', model: null, load, policies: UNLIKE_POLICIES, seeds: own };
  });
  const poisson = MODELS.map((model) => {
    return { scenario: 'paper-ps-poisson', model, load: 1.2, policies: POISSON_POLICIES, seeds: own };
  });
  const events = MODELS.flatMap((model) =>
    [...EVENTS, 'heterogeneous'].flatMap((scenario) => [
      { scenario, model, load: 1, policies: ['qedge'], seeds: topologies },
      { scenario, model, load: 1, policies: PAPER_POLICIES.slice(1), seeds: others },
    ]),
  );
  const d13 = ['d13-static', 'd13-dynamic'].map((scenario) => {
    return { scenario, model: null, load: 1, policies: D13_POLICIES, seeds: topologies };
  });
  const large = LARGE.filter((scenario) => thousand || scenario !== 'balancers-1000').map((scenario) => {
    return { scenario, model: null, load: 1, policies: ['qedge', 'round-robin'], seeds: [101] };
  });
  const restarts = ['restart-warm', 'restart-cold'].map((scenario) => {
    return { scenario, model: null, load: 1, policies: ['qedge'], seeds: topologies };
  });
  const alone = ALONE.map(({ scenario, load }) => {
    return { scenario, model: null, load, policies: ALONE_POLICIES, seeds: own };
  });
  return [...paper, ...alone, ...poisson, ...unlike, ...events, ...d13, ...large, ...restarts];
}
