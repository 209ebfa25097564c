// CPU-µs per request of each contender, and qedge's share of each.

import { type Bench, LOAD_CORE, type Upstreams } from '../bench.ts';
import type { Contender, Protocol } from '../contenders.ts';
import { grpcCalls, h2load, handshakes, type LoadOptions, quantile, webSocketEcho, wrk } from '../load.ts';
import { cpuMicros } from '../processes.ts';
import { print } from '../table.ts';

const POST_BYTES = 20_000;
const MESSAGE_BYTES = 1024;

/** One table. `load` returns how much was answered. */
interface Row {
  readonly name: string;
  readonly title: string;
  readonly protocol: Protocol;
  readonly upstream: keyof Upstreams;
  readonly load: (port: number, options: LoadOptions) => Promise<number>;
  /** Answered before it is measured: connections, and code that is compiled once it has run often enough. */
  readonly warm: number;
  readonly measures?: (contender: Contender) => boolean;
}

const COMMON = { protocol: 'http1', upstream: 'http', warm: 30_000 } as const;

/** Rarer than requests, and made of more code: it takes as many before that is compiled. */
const HANDSHAKE = { protocol: 'tls', upstream: 'http', warm: 10_000 } as const;

const ROWS: readonly Row[] = [
  { ...COMMON, name: 'get', title: 'GET, 200 B back', load: wrk },
  {
    ...COMMON,
    name: 'post',
    title: 'POST 20 KB, 200 B back',
    load: (port, options) => wrk(port, { ...options, postBytes: POST_BYTES }),
  },
  { ...COMMON, name: 'http2', title: 'HTTP/2 GET, 200 B back', protocol: 'http2', load: h2load },
  {
    ...COMMON,
    name: 'http2-post',
    title: 'HTTP/2 POST 20 KB, 200 B back',
    protocol: 'http2',
    load: (port, options) => h2load(port, { ...options, postBytes: POST_BYTES }),
  },
  { ...COMMON, name: 'grpc', title: 'gRPC, unary, 100 B', protocol: 'grpc', upstream: 'grpc', load: grpcCalls },
  {
    ...COMMON,
    name: 'tls',
    title: 'TLS, kept alive, GET',
    protocol: 'tls',
    load: (port, options) => wrk(port, { ...options, tls: true }),
  },
  {
    ...HANDSHAKE,
    name: 'handshake',
    title: 'TLS 1.3, a full handshake each',
    load: (port, options) => handshakes(port, options, false),
  },
  {
    ...HANDSHAKE,
    name: 'resumption',
    title: 'TLS 1.3, a resumed session each',
    load: (port, options) => handshakes(port, options, true),
  },
  {
    ...COMMON,
    name: 'websocket',
    title: 'WebSocket echo, 1 KiB',
    upstream: 'webSocket',
    load: (port, { seconds }) => webSocketEcho(port, seconds, MESSAGE_BYTES),
    measures: ({ webSockets }) => webSockets,
  },
];

/** The tables that `bench` wants of these. */
export async function cpuTables(bench: Bench): Promise<void> {
  for (const row of ROWS) if (bench.wants(row.name)) await cpuTable(bench, row);
}

async function cpuTable(bench: Bench, { title, protocol, upstream, load, warm, measures }: Row): Promise<void> {
  const { rounds, seconds, folder } = bench;
  const options: LoadOptions = { core: LOAD_CORE, seconds, folder };
  const measured = bench.contenders.filter((one) => one.speaks.includes(protocol) && measures?.(one) !== false);
  const costs = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const contender of measured) {
      await bench.run(contender, { upstream: bench.upstreams[upstream], protocol }, async (port, pid) => {
        for (let answered = 0; answered < warm; ) answered += await load(port, options);
        const before = cpuMicros(pid);
        const requests = await load(port, options);
        const cost = (cpuMicros(pid) - before) / requests;
        costs.set(contender.name, [...(costs.get(contender.name) ?? []), cost]);
      });
    }
  }
  const own = costs.get('qedge') ?? [];
  const share = (list: readonly number[]): string => {
    const shares = list.map((cost, i) => (own[i] ?? Number.NaN) / cost);
    return quantile(shares, 0.5).toFixed(2);
  };
  print(
    [title, 'CPU-µs', 'rounds', 'qedge ÷ it'],
    [...costs].map(([name, list]) => [
      name,
      quantile(list, 0.5).toFixed(1),
      list.map((cost) => cost.toFixed(1)).join(' '),
      name === 'qedge' ? '' : share(list),
    ]),
  );
}
