// Puts together what the admin port reports, afresh at each reading, from what the composition root lets it see.

import type { ChainState } from '../../core/chain/chain.ts';
import type { Clock } from '../../core/clock.ts';
import type { InstanceKey, RequestInfo } from '../../core/domain.ts';
import type {
  InstanceState,
  RoutePreview,
  RouterState,
  ServiceOverview,
  ServiceRouter,
} from '../../core/service-router.ts';
import type { EventLog } from '../../telemetry/events.ts';
import type { ProcessFacts } from '../../telemetry/process-facts.ts';
import type { Ejections } from './ejections.ts';
import { type ExplainDocument, explain } from './explain.ts';
import { type Lifecycle, type Readiness, readiness } from './readiness.ts';
import type { DensityDocument, NodeFacts, QedgeEvent, StateDocument } from './state.ts';

/** What the admin port needs of a service: of all event loops that serve it, as one. */
export interface ObservedService
  extends Pick<ServiceRouter, 'service' | 'state' | 'overview' | 'instances' | 'candidates' | 'setTap' | 'reset'> {
  /** No new traffic for the instance until that is taken back. */
  drain(key: InstanceKey, on: boolean, nowMs: number): void;
  /** Density of the processing latency, per ms, on `gridMs`; null when unknown. */
  density(key: InstanceKey, gridMs: readonly number[], nowMs: number): Promise<number[] | null>;
  /** Where each event loop would send the request, the main thread's first. */
  previews(request: RequestInfo, nowMs: number): Promise<readonly RoutePreview[]>;
}

/** What the composition root lets the admin port see. */
export interface StateSources {
  /** The routers by service; asked at each reading, so a reload shows at once. */
  readonly services: () => ReadonlyMap<string, ObservedService>;
  readonly chains: () => readonly ChainState[];
  readonly node: () => NodeFacts;
  readonly lifecycle: () => Lifecycle;
  readonly events: EventLog<QedgeEvent>;
  /** The clock that drives the routers. */
  readonly clock: Clock;
}

/** A service as it is read. */
export interface ReadService {
  readonly overview: ServiceOverview;
  readonly instances: Iterable<InstanceState>;
}

/** Puts together what is reported, at each call. */
export interface StateReader {
  readiness(): Readiness;
  /** Names of the services. */
  names(): readonly string[];
  /** Each is put together when it is its turn, and so is each of its instances. */
  services(): Iterable<ReadService>;
  /** Null for an unknown service or instance, or when its policy estimates no density. */
  density(service: string, key: InstanceKey): Promise<DensityDocument | null>;
  /** Null for an unknown service. */
  explain(service: string, clientId: string): Promise<ExplainDocument | null>;
  /** The `StateDocument` as JSON, in parts, each put together when it is its turn. */
  document(): Iterable<string>;
}

/** Reads nothing until it is asked. */
export function createStateReader(
  sources: StateSources,
  processFacts: () => ProcessFacts,
  ejections: Ejections,
): StateReader {
  function* noted(service: string, instances: Iterable<InstanceState>): Iterable<InstanceState> {
    for (const instance of instances) yield ejections.noted(service, instance);
  }
  function* services(): Iterable<ReadService> {
    for (const [name, service] of sources.services()) {
      const nowMs = sources.clock.nowMs();
      yield { overview: service.overview(nowMs), instances: noted(name, service.instances(nowMs)) };
    }
  }
  const ready = (): Readiness =>
    readiness(
      sources.lifecycle(),
      new Map([...sources.services()].map(([name, service]) => [name, service.candidates.length])),
    );
  return {
    readiness: ready,
    names: () => [...sources.services().keys()],
    services,
    explain: async (service, clientId) => {
      const observed = sources.services().get(service);
      if (observed === undefined) return null;
      const nowMs = sources.clock.nowMs();
      const whole = observed.state(nowMs);
      const state: RouterState = { ...whole, instances: [...noted(service, whole.instances)].map(documented) };
      const request = { clientId, budgetMs: state.qos.latencyMs, attempt: 0, tried: [] };
      return explain(state, await observed.previews(request, nowMs), clientId);
    },
    density: async (service, key) => {
      const observed = sources.services().get(service);
      return observed === undefined ? null : readDensity(observed, key, sources.clock.nowMs());
    },
    *document() {
      const now = ready();
      const head: Omit<StateDocument, 'services'> = {
        time: new Date().toISOString(),
        lastEventSequence: sources.events.lastSequence,
        ready: now.ready,
        notReadyReasons: now.reasons,
        node: { ...sources.node(), nodejs: process.versions.node, arch: process.arch, process: processFacts() },
        chains: sources.chains(),
      };
      yield `${JSON.stringify(head).slice(0, -1)},"services":[`;
      let separator = '';
      for (const service of services()) {
        yield separator;
        yield* stateInParts(service);
        separator = ',';
      }
      yield ']}';
    },
  };
}

/** Instances that are put into words at once. */
const PART_INSTANCES = 64;

function* stateInParts({ overview, instances }: ReadService): Iterable<string> {
  yield `${JSON.stringify(overview).slice(0, -1)},"instances":[`;
  let separator = '';
  let part: InstanceState[] = [];
  const words = (): string => `${separator}${JSON.stringify(part).slice(1, -1)}`;
  for (const instance of instances) {
    part.push(documented(instance));
    if (part.length < PART_INSTANCES) continue;
    yield words();
    separator = ',';
    part = [];
  }
  yield part.length === 0 ? ']}' : `${words()}]}`;
}

/** Without the policy's own numbers that have no value yet: JSON knows no NaN. */
function documented(instance: InstanceState): InstanceState {
  const finite = Object.entries(instance.extra).filter(([, value]) => Number.isFinite(value));
  return { ...instance, extra: Object.fromEntries(finite) };
}

/** Points of the curve: more than a plot has pixels between two of them on a phone. */
const DENSITY_POINTS = 161;

/** The density of the end-to-end latency, from 0 to 2τ: that of the processing latency, moved by the round trip. */
async function readDensity(
  observed: ObservedService,
  key: InstanceKey,
  nowMs: number,
): Promise<DensityDocument | null> {
  const candidate = observed.candidates.find((one) => one.key === key);
  if (candidate === undefined) return null;
  const { qos } = observed.overview(nowMs);
  const latencyMs = Array.from(
    { length: DENSITY_POINTS },
    (_, i) => Math.round(((i * 2 * qos.latencyMs) / (DENSITY_POINTS - 1)) * 1000) / 1000,
  );
  const { rttMs } = candidate;
  const density = await observed.density(
    key,
    latencyMs.map((x) => x - rttMs),
    nowMs,
  );
  return density === null ? null : { key, limitMs: qos.latencyMs, rttMs, latencyMs, density };
}
