// Counters, gauges and histograms that cost an array write on the hot path and are written out only when scraped.
// Children are made once per label set and kept by their user; the label sets are bounded by construction.

import { familyText, formatNumber, lineOf, pairsOf } from './metrics-text.ts';

export type MetricKind = 'counter' | 'gauge' | 'histogram';

export interface MetricOptions {
  /** Base unit last, `_total` for counters, after the Prometheus naming conventions. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

/** Only grows. */
export interface Counter {
  increment(by?: number): void;
  readonly value: number;
}

/** A value that goes up and down; the last one set counts. */
export interface Gauge {
  set(value: number): void;
  readonly value: number;
}

/** Counts values in fixed buckets, each in the unit of its family (seconds for times). */
export interface Histogram {
  observe(value: number): void;
}

/** A family of metrics of one name; `with` returns the same child for the same label values. */
export interface Family<Child> {
  with(...labelValues: readonly string[]): Child;
  /** Forgets all children. */
  clear(): void;
}

/** A registry: makes families, exports them to be summed over threads, renders them for a scraper. */
export interface Metrics {
  counter(options: MetricOptions): Family<Counter>;
  gauge(options: MetricOptions): Family<Gauge>;
  /** `bounds` are upper bounds, ascending, without +Inf. */
  histogram(options: MetricOptions & { readonly bounds: readonly number[] }): Family<Histogram>;
  /** Called before each scrape: the place to set gauges that mirror live state. */
  onScrape(collect: () => void): void;
  /** Called for each scrape: families that are made as they are rendered and kept nowhere. Null is a place to pause. */
  addSource(source: () => Iterable<Reading | null>): void;
  /** Every family as plain data, for another thread to take in. */
  export(): MetricsExport;
  /** What the registry of `source` exported last; its numbers are added to those of the same name here. */
  take(source: string, exported: MetricsExport): void;
  /** `source` is gone: what it counted stays counted, its gauges are no more. */
  retire(source: string): void;
  /** Prometheus text 0.0.4, or OpenMetrics 1.0 when asked for: in parts, each made when it is asked for. Empty ones are pauses. */
  render(format?: 'prometheus' | 'openmetrics'): Iterable<string>;
}

/** A family of which nothing is kept. */
export interface Reading {
  readonly kind: 'counter' | 'gauge';
  readonly options: MetricOptions;
  readonly samples: Iterable<Sample>;
}

/** One value of a family, as it is exposed. */
export interface Sample {
  /** In the order of the family's labels. */
  readonly labels: readonly string[];
  readonly value: number;
}

/** 1 ms … 10 s around typical edge latency limits, in seconds. */
export const LATENCY_BOUNDS_SECONDS: readonly number[] = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5, 5, 10,
];

/** All families of one thread, as plain data. */
export type MetricsExport = readonly FamilyExport[];

export interface FamilyExport {
  readonly kind: MetricKind;
  readonly options: MetricOptions & { readonly bounds?: readonly number[] };
  readonly children: readonly ChildExport[];
}

export interface ChildExport {
  readonly labels: readonly string[];
  /** The value of a counter or gauge; the sum of a histogram. */
  readonly value: number;
  /** The counts of a histogram, one a bucket. */
  readonly counts: readonly number[] | null;
}

interface FamilyState<Child> {
  readonly kind: MetricKind;
  readonly options: FamilyExport['options'];
  readonly children: Map<string, { readonly labels: readonly string[]; readonly child: Child }>;
}

class Value implements Counter, Gauge {
  value = 0;
  add(other: ChildExport): void {
    this.value += other.value;
  }
  export(labels: readonly string[]): ChildExport {
    return { labels, value: this.value, counts: null };
  }
  increment(by = 1): void {
    this.value += by;
  }
  set(value: number): void {
    this.value = value;
  }
}

class Buckets implements Histogram {
  readonly bounds: Float64Array;
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = Float64Array.from(bounds);
    this.counts = new Float64Array(bounds.length + 1);
  }

  add(other: ChildExport): void {
    this.sum += other.value;
    other.counts?.forEach((count, i) => {
      this.counts[i] = (this.counts[i] ?? 0) + count;
    });
  }

  export(labels: readonly string[]): ChildExport {
    return { labels, value: this.sum, counts: Array.from(this.counts) };
  }

  observe(value: number): void {
    this.sum += value;
    const { bounds, counts } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket++;
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
}

/** An empty registry; one a thread. */
export function createMetrics(): Metrics {
  const families: FamilyState<Value | Buckets>[] = [];
  const collectors: (() => void)[] = [];
  const sources: (() => Iterable<Reading | null>)[] = [];
  const others = new Map<string, MetricsExport>();
  /** What sources that are gone have counted. */
  let past: MetricsExport = [];

  function family<Child extends Value | Buckets>(
    kind: MetricKind,
    options: FamilyExport['options'],
    make: () => Child,
  ): Family<Child> {
    const children = new Map<string, { labels: readonly string[]; child: Child }>();
    families.push({ kind, options, children });
    return {
      with(...labels) {
        const id = labels.join('\u0000');
        let entry = children.get(id);
        if (entry === undefined) {
          entry = { labels, child: make() };
          children.set(id, entry);
        }
        return entry.child;
      },
      clear() {
        children.clear();
      },
    };
  }

  return {
    counter: (options) => family('counter', options, () => new Value()),
    gauge: (options) => family('gauge', options, () => new Value()),
    histogram: (options) => family('histogram', options, () => new Buckets(options.bounds)),
    onScrape: (collect) => {
      collectors.push(collect);
    },
    addSource: (source) => {
      sources.push(source);
    },
    export: () => {
      for (const collect of collectors) collect();
      return families.map(exportFamily);
    },
    take: (source, exported) => {
      others.set(source, exported);
    },
    retire: (source) => {
      const counted = (others.get(source) ?? []).filter(({ kind }) => kind !== 'gauge');
      others.delete(source);
      past = sumOf([past, counted]).map(exportFamily);
    },
    *render(format = 'prometheus') {
      const openMetrics = format === 'openmetrics';
      for (const collect of collectors) collect();
      const alone = others.size === 0 && past.length === 0;
      const all = alone ? families : sumOf([families.map(exportFamily), past, ...others.values()]);
      for (const state of all) yield* familyText(state, linesOf(state), openMetrics);
      for (const source of sources) {
        for (const reading of source()) {
          if (reading === null) yield '';
          else yield* familyText(reading, linesOfReading(reading), openMetrics);
        }
      }
      if (openMetrics) yield '# EOF\n';
    },
  };
}

function exportFamily({ kind, options, children }: FamilyState<Value | Buckets>): FamilyExport {
  return { kind, options, children: [...children.values()].map(({ labels, child }) => child.export(labels)) };
}

/** Sums of the same name and labels. */
function sumOf(exports: readonly MetricsExport[]): FamilyState<Value | Buckets>[] {
  const sums = new Map<string, FamilyState<Value | Buckets>>();
  for (const exported of exports) {
    for (const { kind, options, children } of exported) {
      const sum = sums.get(options.name) ?? { kind, options, children: new Map() };
      sums.set(options.name, sum);
      for (const one of children) {
        const id = one.labels.join('\u0000');
        const entry = sum.children.get(id) ?? {
          labels: one.labels,
          child: kind === 'histogram' ? new Buckets(options.bounds ?? []) : new Value(),
        };
        entry.child.add(one);
        sum.children.set(id, entry);
      }
    }
  }
  return [...sums.values()];
}

function* linesOf({ options, children }: FamilyState<Value | Buckets>): Iterable<string> {
  const { name, labels = [] } = options;
  for (const { labels: values, child } of children.values()) {
    if (child instanceof Buckets) yield* bucketLines(name, pairsOf(labels, values), child);
    else yield lineOf(name, pairsOf(labels, values), child.value);
  }
}

function* linesOfReading({ options, samples }: Reading): Iterable<string> {
  const { name, labels = [] } = options;
  for (const { labels: values, value } of samples) yield lineOf(name, pairsOf(labels, values), value);
}

function bucketLines(name: string, pairs: readonly string[], { counts, bounds, sum }: Buckets): string[] {
  let cumulative = 0;
  const lines = Array.from(counts, (count, i) => {
    cumulative += count;
    const bound = i < bounds.length ? formatNumber(bounds[i] ?? 0) : '+Inf';
    return `${name}_bucket{${[...pairs, `le="${bound}"`].join(',')}} ${cumulative}`;
  });
  const suffix = pairs.length > 0 ? `{${pairs.join(',')}}` : '';
  return [...lines, `${name}_sum${suffix} ${formatNumber(sum)}`, `${name}_count${suffix} ${cumulative}`];
}
