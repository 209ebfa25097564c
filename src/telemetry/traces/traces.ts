// Tracing as a whole: a tracer for the data path, and the exporter behind it. Where it is not configured there is neither.

import { readNamedFile } from '../../readable-file.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { createSender } from './otlp-sender.ts';
import { SpanExporter } from './span-exporter.ts';
import { Tracer } from './tracer.ts';

export interface TracesOptions {
  readonly config: {
    readonly endpoint: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly serviceName: string;
    readonly sampleRatio: number;
    readonly timeoutMs: number;
    readonly queueMax: number;
    readonly compression: 'none' | 'gzip';
    readonly caFile: string | null;
    readonly clientId: boolean;
  };
  readonly nodeId: string;
  readonly version: string;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Tracing as long as it is configured: a tracer, and the export behind it. */
export interface Traces {
  readonly tracer: Tracer;
  /** Sends what is left. */
  stop(): Promise<void>;
}

/** What a stop waits for a collector at most. */
const STOP_GRACE_MS = 5_000;

/** Starts exporting at once. */
export function startTraces({ config, nodeId, version, metrics, log }: TracesOptions): Traces {
  const { caFile, serviceName } = config;
  const exporter = new SpanExporter({
    sender: createSender({ ...config, ca: caFile === null ? null : readNamedFile(caFile).toString() }),
    resource: {
      version,
      attributes: [
        ['service.name', serviceName],
        ['service.version', version],
        ['service.instance.id', nodeId],
      ],
    },
    queueMax: config.queueMax,
    metrics,
    log,
  });
  const tracer = new Tracer({ ...config, sink: (span) => exporter.add(span) });
  return { tracer, stop: () => exporter.stop(Math.min(STOP_GRACE_MS, config.timeoutMs)) };
}
