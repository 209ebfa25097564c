// `qedge decisions`: record what a running qedge decides, and ask how other policies would have done on it.

import { createWriteStream } from 'node:fs';
import { Readable, Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { type Command, Option } from 'commander';
import type { DecisionLogHeader } from '../../core/decision-log.ts';
import { CommandError, EX_USAGE } from '../../errors.ts';
import { evaluateOffPolicy, type OffPolicyEstimate } from '../../sim/off-policy.ts';
import { parsePolicy, policyProblems } from '../../sim/policy-text.ts';
import { type Column, renderFolded } from '../../terminal/columns.ts';
import { paintFor, widthOf } from '../../terminal/paint.ts';
import { type AdminClientOptions, withAdminOptions } from '../admin-address.ts';
import { AdminClient } from '../admin-client.ts';
import { readDecisionLog } from '../decision-log-file.ts';
import { durationMs } from '../duration-argument.ts';
import { cell, percent } from '../figures.ts';
import { count } from '../number-arguments.ts';
import { cannotWrite } from '../text-files.ts';

interface RecordOptions extends AdminClientOptions {
  readonly duration: number;
  readonly out?: string;
}

interface ReplayOptions {
  readonly policy: readonly string[];
  readonly latency?: number;
  readonly seed: number;
  readonly json?: true;
}

/** With less than this share of the attempts counting, an estimate says little. */
const EFFECTIVE_SHARE_MIN = 0.1;
/** A recording that is not over so long after its time has no end. */
const OVERDUE_MS = 5_000;
const POLICIES_DEFAULT: readonly string[] = ['qedge', 'qedgeproxy', 'round-robin'];

export function registerDecisions(program: Command): void {
  const decisions = program
    .command('decisions')
    .description('record decisions and replay them against other policies')
    // The earlier name.
    .alias('trace');
  withAdminOptions(
    decisions
      .command('record')
      .description('record what is decided for a service, by all event loops')
      .argument('<service>', 'name of the service'),
  )
    .addOption(
      new Option('--duration <time>', 'record for so long, such as 30s or 5m')
        .argParser(durationMs)
        .default(120_000, '2m'),
    )
    .option('-o, --out <file>', 'write to this file instead of standard output')
    .action(record);
  decisions
    .command('replay')
    .description('estimate how policies would have done on recorded decisions')
    .argument('<file>', 'what qedge decisions record wrote')
    .addOption(
      new Option('--policy <policies>', 'policies, with options as name:key=value')
        .argParser(policies)
        .default(POLICIES_DEFAULT, POLICIES_DEFAULT.join(',')),
    )
    .option('--latency <time>', 'judge by another latency limit, such as 60ms', durationMs)
    .option('--seed <seed>', 'seed of the random choices', count, 1)
    .option('--json', 'print JSON')
    .action(replay);
}

async function record(service: string, options: RecordOptions): Promise<void> {
  const client = new AdminClient(options);
  const path = `/api/v1/services/${encodeURIComponent(service)}/decisions?durationMs=${options.duration}`;
  const body = Readable.fromWeb((await client.stream(path)) as ReadableStream);
  process.once('SIGINT', () => body.push(null));
  // A qedge that hangs ends no stream.
  setTimeout(() => body.destroy(new Error('overdue')), options.duration + OVERDUE_MS).unref();
  const where = options.out ?? 'standard output';
  process.stderr.write(`recording ${service} for ${options.duration / 1_000} s to ${where}; Ctrl-C ends it early\n`);
  const source = new Source(body);
  const lines = new WholeLines();
  if (options.out === undefined) await pipeline(source.chunks(), lines, process.stdout, { end: false });
  else await pipeline(source.chunks(), lines, createWriteStream(options.out)).catch(refuse(options.out));
  if (source.lost)
    throw new CommandError(`qedge went away; the attempts until then, ${lines.attempts}, are in ${where}`);
  process.stderr.write(`recorded ${lines.attempts} attempts\n`);
}

/** What comes until it ends, one way or the other: what was recorded is kept when qedge goes away. */
class Source {
  readonly #body: Readable;
  lost = false;

  constructor(body: Readable) {
    this.#body = body;
  }

  async *chunks(): AsyncGenerator<Buffer> {
    try {
      yield* this.#body;
    } catch {
      this.lost = true;
    }
  }
}

/** Lets whole lines pass, so that what was recorded can be replayed however it ended, and counts those that are attempts. */
class WholeLines extends Transform {
  attempts = 0;
  #rest = '';

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    const lines = (this.#rest + chunk.toString('latin1')).split('\n');
    this.#rest = lines.pop() ?? '';
    this.attempts += lines.filter((line) => line.startsWith('{"kind":"attempt"')).length;
    // Latin 1 maps every byte to a character and back, wherever a chunk was cut.
    done(null, Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1'));
  }
}

const refuse =
  (file: string) =>
  (error: unknown): never => {
    throw cannotWrite(file, error);
  };

function replay(file: string, options: ReplayOptions): void {
  const log = readDecisionLog(file);
  const qos = { ...log.header.qos, ...(options.latency === undefined ? {} : { latencyMs: options.latency }) };
  const results = options.policy.map((text) => ({
    policy: text,
    ...evaluateOffPolicy(log, { policy: parsePolicy(text), qos, seed: options.seed }),
  }));
  if (options.json) process.stdout.write(`${JSON.stringify({ qos, recorded: log.header.policy, results })}\n`);
  else process.stdout.write(`${replayLines(log.header, results).join('\n')}\n`);
}

type Result = OffPolicyEstimate & { readonly policy: string };

function replayLines({ policy: recorded, qos }: DecisionLogHeader, results: readonly Result[]): readonly string[] {
  const [first] = results;
  const windowS = qos.windowMs / 1_000;
  const weak = results.filter(({ attempts, effectiveAttempts }) => effectiveAttempts < EFFECTIVE_SHARE_MIN * attempts);
  const column = (header: string, text: (one: Result) => string, align: Column['align'] = 'right'): Column => ({
    header,
    align,
    importance: 1,
    cells: results.map((one) => cell(text(one))),
  });
  return [
    `recorded with ${recorded}: ${percent(first?.recordedSuccessRatio ?? null)} of ${first?.attempts ?? 0} attempts in time`,
    `(those of the first ${windowS} s, one window, only teach)`,
    '',
    ...renderFolded(
      [
        column('policy', ({ policy }) => policy, 'left'),
        column('estimated success', ({ successRatio }) => percent(successRatio)),
        column('95 % interval', ({ interval }) =>
          interval === null ? '-' : `${percent(interval[0])} to ${percent(interval[1])}`,
        ),
        column('effective attempts', ({ effectiveAttempts }) => effectiveAttempts.toFixed(0)),
      ],
      { width: widthOf(process.stdout), indent: '  ', paint: paintFor(process.stdout) },
    ),
    ...(first?.interval === null ? ['  too short for an interval: record seven windows or more'] : []),
    ...weak.map(({ policy }) => `  ${policy}: it would have chosen too differently for this log to say`),
  ];
}

function policies(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  const problems = names.flatMap((name) => (name === 'oracle' ? ['the oracle is no policy'] : policyProblems(name)));
  if (problems.length > 0) throw new CommandError(problems.join('\n'), EX_USAGE);
  return names;
}
