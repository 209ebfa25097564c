// A proxy over real sockets for tests: instances that are real servers, a real router, and a log of what the router got.

import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { ProxyConfig, ServiceConfig } from '../../src/config/config.ts';
import { section } from '../../src/config/key.ts';
import { requirementsOf } from '../../src/config/requirements.ts';
import { proxyKeys } from '../../src/config/schema/proxy.ts';
import { serviceKeys } from '../../src/config/schema/service/service.ts';
import type { Chain } from '../../src/core/chain/chain.ts';
import { createServiceRouter } from '../../src/core/create-router.ts';
import type { AttemptResult, Instance, Scheme } from '../../src/core/domain.ts';
import { createRng } from '../../src/core/rng.ts';
import type { ServiceRouter } from '../../src/core/service-router.ts';
import { NO_REASON, reasonText } from '../../src/core/verdict/reason.ts';
import type { VerdictRow } from '../../src/core/verdict/table.ts';
import { createProxy, type ProxyService } from '../../src/proxy/proxy.ts';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';
import { listening } from './listening.ts';

/** What a test overrides; the rest is as a service of the real config has it. */
export interface ServiceSpec extends Partial<Omit<ServiceConfig, 'name' | 'qos' | 'limits' | 'retry' | 'failure'>> {
  readonly name: string;
  /** Placement may yet say where it runs. */
  readonly awaited?: boolean;
  /** Ports on 127.0.0.1, instance `a` on node `n1`, `b` on `n2`, … */
  readonly ports: readonly number[];
  /** Of the instances, in the order of `ports`. */
  readonly profiles?: readonly Instance['profile'][];
  /** Of all its instances; `http` when absent. */
  readonly scheme?: Scheme;
  readonly qos?: Partial<ServiceConfig['qos']>;
  readonly limits?: Partial<ServiceConfig['limits']>;
  readonly failure?: Partial<ServiceConfig['failure']>;
  readonly retry?: Partial<ServiceConfig['retry']>;
}

export interface Observed {
  readonly key: string;
  readonly result: AttemptResult;
  readonly latencyMs: number;
}

export interface RecordedVerdict {
  readonly key: string;
  readonly row: VerdictRow;
  /** Empty: nothing is held against the instance. */
  readonly reason: string;
}

export interface TestProxy {
  readonly proxy: ReturnType<typeof createProxy>;
  readonly port: number;
  readonly url: string;
  readonly metrics: Metrics;
  /** What the router took every attempt for, as it ended or broke off. */
  readonly observed: readonly Observed[];
  /** The verdict of each attempt. */
  readonly verdicts: readonly RecordedVerdict[];
  /** Every request that counted for its client. */
  readonly accounts: readonly { readonly clientId: string; readonly success: boolean }[];
  /** `service node/instance healthy: reason`, as the health checks reported. */
  readonly health: readonly string[];
  portOf(listener: string): number;
}

export function proxyConfig(changes: Partial<ProxyConfig> = {}): ProxyConfig {
  return { ...PROXY, connectionsMax: 10_000, drainMs: 2000, ...changes };
}

export function serviceConfig(spec: ServiceSpec): ServiceConfig {
  const {
    ports: _ports,
    profiles: _profiles,
    scheme: _scheme,
    awaited: _awaited,
    qos,
    limits,
    retry,
    failure,
    ...changes
  } = spec;
  return {
    ...SERVICE,
    policy: { name: 'round-robin', options: {} },
    connectTimeoutMs: 2000,
    ...changes,
    qos: { ...SERVICE.qos, ...qos },
    failure: { ...SERVICE.failure, ...failure },
    retry: { ...SERVICE.retry, ...retry },
    limits: { ...SERVICE.limits, inFlightMax: 10_000, queueMax: 64, ...limits },
  };
}

const ANYWHERE = { directory: '', hostname: 'n0', stateDirectory: null };
/** Every key at its default, as a file that says next to nothing has it. */
const PROXY: ProxyConfig = section(proxyKeys(ANYWHERE)).parse({ listen: '127.0.0.1:0' });
const SERVICE: ServiceConfig = section(serviceKeys(ANYWHERE)).parse({
  name: 'service',
  qos: { latency: '1s' },
});

export function instanceAt(service: string, port: number, index: number): Instance {
  return {
    service,
    nodeId: `n${index + 1}`,
    id: String.fromCharCode(97 + index),
    scheme: 'http',
    host: '127.0.0.1',
    port,
    labels: {},
    profile: null,
  };
}

/** Starts a proxy that is closed when the test is over. `nodeId`: of its node, for a chain of proxies. */
export async function startProxy(
  services: readonly ServiceSpec[],
  config: Partial<ProxyConfig> = {},
  nodeId = 'n0',
  chains: readonly Chain[] = [],
): Promise<TestProxy> {
  const observed: Observed[] = [];
  const accounts: { clientId: string; success: boolean }[] = [];
  const verdicts: RecordedVerdict[] = [];
  const metrics = createMetrics();
  const health: string[] = [];
  const proxy = createProxy({
    nodeId,
    config: proxyConfig(config),
    services: services.map((spec) => serviceOf(spec, observed, accounts, verdicts)),
    chains: new Map(chains.map((chain) => [chain.name, chain])),
    clock: { nowMs: () => performance.now() },
    metrics,
    log: pino({ level: 'silent' }),
    accessLog: false,
    onHealth: (service, { key, healthy, reason }) => health.push(`${service} ${key} ${healthy}: ${reason}`),
  });
  onTestFinished(() => proxy.close());
  const listeners = await proxy.listen();
  const portOf = (name: string): number => listeners.find((one) => one.name === name)?.port ?? 0;
  const port = portOf('proxy');
  return { proxy, port, url: `http://127.0.0.1:${port}`, metrics, observed, accounts, verdicts, health, portOf };
}

export function serviceOf(
  spec: ServiceSpec,
  observed: Observed[] = [],
  accounts: { clientId: string; success: boolean }[] = [],
  verdicts: RecordedVerdict[] = [],
): ProxyService {
  const config = serviceConfig(spec);
  const router = createServiceRouter({
    service: spec.name,
    qos: config.qos,
    policy: config.policy,
    requirements: requirementsOf(config),
    localNodeId: 'n0',
    prefer: config.prefer,
    sessionIdleMs: config.affinity?.idleMs ?? null,
    rng: createRng(1),
    nowMs: performance.now(),
  });
  spec.ports.forEach((port, index) => {
    const { scheme = 'http', profiles = [] } = spec;
    const instance = { ...instanceAt(spec.name, port, index), scheme, profile: profiles[index] ?? null };
    router.applyPlacement({ kind: 'instance-set', instance }, performance.now());
  });
  return { config, router: recording(router, { observed, accounts, verdicts }), awaited: spec.awaited ?? false };
}

interface Books {
  readonly observed: Observed[];
  readonly accounts: { clientId: string; success: boolean }[];
  readonly verdicts: RecordedVerdict[];
}

/** The same router, which writes down what it is asked. */
function recording(router: ServiceRouter, { observed, accounts, verdicts }: Books): ServiceRouter {
  const keys = new Map<number, string>();
  const { start, finish, retractSuccess, recordVerdict, recordRequest, retractRequest } = router;
  router.start = (candidate, nowMs, ...about) => {
    const ticket = start.call(router, candidate, nowMs, ...about);
    keys.set(ticket, candidate.key);
    return ticket;
  };
  router.finish = (ticket, evidence, latencyMs, nowMs) => {
    const result = finish.call(router, ticket, evidence, latencyMs, nowMs);
    observed.push({ key: keys.get(ticket) ?? '', result, latencyMs });
    return result;
  };
  router.retractSuccess = (candidate, latencyMs, nowMs) => {
    observed.push({ key: candidate.key, result: 'failed', latencyMs });
    retractSuccess.call(router, candidate, latencyMs, nowMs);
  };
  router.recordVerdict = (candidate, row, reason, nowMs) => {
    verdicts.push({ key: candidate.key, row, reason: reason === NO_REASON ? '' : reasonText(reason) });
    recordVerdict.call(router, candidate, row, reason, nowMs);
  };
  router.retractRequest = (clientId, recordedMs, nowMs) => {
    const index = accounts.findIndex((one) => one.clientId === clientId && one.success);
    accounts.splice(index, 1, { clientId, success: false });
    retractRequest.call(router, clientId, recordedMs, nowMs);
  };
  router.recordRequest = (request, nowMs) => {
    accounts.push({ clientId: request.clientId, success: request.ending === 'success' });
    recordRequest.call(router, request, nowMs);
  };
  return router;
}

export interface TestInstance {
  readonly port: number;
  readonly server: Server;
  /** Connections accepted so far. */
  readonly connections: () => number;
}

/** An instance that answers with `listener`; closed when the test is over. */
export async function startInstance(listener: RequestListener): Promise<TestInstance> {
  let connections = 0;
  const server = createServer({ keepAliveTimeout: 60_000 }, listener);
  server.on('connection', () => {
    connections++;
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: await listening(server), server, connections: () => connections };
}

/** An instance that speaks for itself, byte by byte. */
export async function startRawInstance(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    onSocket(socket);
  });
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return listening(server);
}

/** A port where nothing listens. */
export async function deadPort(): Promise<number> {
  const server = createTcpServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface RawAnswer {
  /** Everything that came, as Latin-1. */
  readonly text: string;
  readonly status: number;
  readonly head: string;
  readonly body: string;
  /** `end`: the proxy closed in order; `reset`: it cut the connection off; `open`: it is still there. */
  readonly ending: 'end' | 'reset' | 'open';
}

/** Sends bytes (Latin-1) as they are and takes what comes until the connection ends or `until` has come. */
export function rawRequest(port: number, bytes: string, until?: string | RegExp): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let text = '';
    const done = (ending: RawAnswer['ending']): void => {
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.destroy();
      const [head = '', ...rest] = text.split('\r\n\r\n');
      resolve({ text, status: Number(text.slice(9, 12)), head, body: rest.join('\r\n\r\n'), ending });
    };
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (until !== undefined && (typeof until === 'string' ? text.includes(until) : until.test(text))) done('open');
    });
    socket.on('end', () => done('end'));
    socket.on('error', () => done('reset'));
    socket.write(bytes, 'latin1');
  });
}

/** Reads a request's body to its end. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Resolves once `condition` holds; the test's own timeout is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
