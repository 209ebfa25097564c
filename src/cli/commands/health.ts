// `qedge health`: one question, one exit status, for what watches over a container or a service.

import { type Command, Option } from 'commander';
import type { Readiness } from '../../admin/state/readiness.ts';
import { CommandError } from '../../errors.ts';
import { type AdminClientOptions, adminAddress, withAdminOptions } from '../admin-address.ts';
import { type BriefAnswer, briefRequest } from '../brief-request.ts';
import { durationMs } from '../duration-argument.ts';
import { noAnswerReason } from '../no-answer.ts';

interface HealthOptions extends AdminClientOptions {
  readonly timeout: number;
  readonly live?: true;
}

export function registerHealth(program: Command): void {
  withAdminOptions(
    program
      .command('health')
      .summary('say whether the running qedge is well: exit 0 or 1')
      .description(
        'exit 0 when the running qedge is ready for requests, 1 when it is not or does not answer, with the reason',
      ),
  )
    .option('--live', 'accept any answer: a qedge that drains is live, but not ready')
    .addOption(
      new Option('--timeout <time>', 'wait this long for an answer').argParser(durationMs).default(3_000, '3s'),
    )
    .action(reportHealth);
}

async function reportHealth(options: HealthOptions): Promise<void> {
  const address = adminAddress(options);
  const path = options.live ? '/healthz' : '/readyz';
  const answer = await briefRequest(address, path, options.timeout).catch((error: unknown) => {
    throw new CommandError(
      `no qedge answers at ${address.url}: ${noAnswerReason(error)} (-c or --url say which one to ask)`,
      1,
      error,
    );
  });
  if (answer.status !== 200) throw new CommandError(`${address.url}: ${readinessText(answer)}`);
  process.stdout.write(`${options.live ? 'live' : readinessText(answer)}\n`);
}

/** What a qedge says of itself; of anything else, what it answered. */
function readinessText({ status, text }: BriefAnswer): string {
  try {
    const { ready, reasons, withoutInstance } = JSON.parse(text) as Readiness;
    if (!ready) return `not ready: ${reasons.join('; ')}`;
    return withoutInstance.length === 0 ? 'ready' : `ready, without an instance of ${withoutInstance.join(', ')}`;
  } catch {
    return `answered ${status}`;
  }
}
