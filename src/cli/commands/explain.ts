// `qedge explain SERVICE`: where the next request would go, and what speaks for and against each candidate.

import type { Command } from 'commander';
import type { ExplainDocument, ExplainedCandidate } from '../../admin/state/explain.ts';
import { cooldownText } from '../../core/standing.ts';
import { type Column, renderFolded } from '../../terminal/columns.ts';
import { type Paint, paintFor, widthOf } from '../../terminal/paint.ts';
import { wrapWords } from '../../terminal/wrap.ts';
import { type AdminClientOptions, withAdminOptions } from '../admin-address.ts';
import { AdminClient } from '../admin-client.ts';
import { cell, distanceOf, milliseconds, percent } from '../figures.ts';

interface ExplainOptions extends AdminClientOptions {
  readonly client?: string;
  readonly json?: true;
}

const FIGURES = `
Columns that only some policies have; those of qedge:
  pressure     how much longer its answers took of late than at its best, from
               0 to 1
  cost         what the weights move away from: expected failures, and a price
               on pressure
  misses       late or failed answers in a row; a failed one counts as three
  unloaded ms  what an answer takes where none has to wait`;

export function registerExplain(program: Command): void {
  withAdminOptions(
    program
      .command('explain')
      .summary('show why the next request would go where it would')
      .description(
        'show where the next request of a service would go, the figures of every candidate, and why it is chosen or ' +
          'not; of several event loops (proxy.workers), where most would send it, with what they know together',
      )
      .argument('<service>', 'name of the service'),
  )
    .option('--client <client>', 'for a request of this client')
    .option('--json', 'print JSON')
    .addHelpText('after', FIGURES)
    .action(async (service: string, options: ExplainOptions) => {
      const client = new AdminClient(options);
      const query = options.client === undefined ? '' : `?client=${encodeURIComponent(options.client)}`;
      const explained = await client.get<ExplainDocument>(
        `/api/v1/services/${encodeURIComponent(service)}/explain${query}`,
      );
      const look = { width: widthOf(process.stdout), paint: paintFor(process.stdout) };
      const lines = options.json ? [JSON.stringify(explained)] : explainLines(explained, look);
      process.stdout.write(`${lines.join('\n')}\n`);
    });
}

interface Look {
  readonly width: number;
  readonly paint: Paint;
}

/** Headline, table, and a sentence each. No figure is left out: a table too wide goes on below. */
export function explainLines(explained: ExplainDocument, { width, paint }: Look): readonly string[] {
  const subject = explained.clientId === '' ? 'the next request' : `the next request of ${explained.clientId}`;
  const where = explained.chosen ?? (explained.byChance ? 'one not known beforehand' : 'no instance');
  const chosen = explained.candidates.find((one) => one.chosen);
  const loops =
    explained.eventLoops > 1 && chosen !== undefined
      ? ` in ${chosen.eventLoops} of ${explained.eventLoops} event loops`
      : '';
  const reasons = explained.candidates.flatMap(({ key, reason, chosen }) =>
    wrapWords([`${key}:`, ...reason.split(' ')], {
      width,
      first: chosen ? '→ ' : '  ',
      hanging: '    ',
    }).map((line) => paint(chosen ? 'plain' : 'dim', line)),
  );
  return [
    paint('strong', `${explained.service}: ${subject} goes to ${where}${loops}`),
    ...(explained.chosen === null ? wrapWords(explained.reason.split(' '), { width, first: '  ', hanging: '  ' }) : []),
    ...(reasons.length > 0
      ? ['', ...renderFolded(columns(explained.candidates), { width, indent: '', paint }), '']
      : []),
    ...reasons,
  ];
}

function columns(candidates: readonly ExplainedCandidate[]): readonly Column[] {
  const column = (header: string, text: (one: ExplainedCandidate) => string): Column => ({
    header,
    align: 'right',
    importance: 1,
    cells: candidates.map((one) => cell(text(one), one.chosen ? 'good' : 'plain')),
  });
  const asked = [...new Set(candidates.flatMap(({ serves }) => Object.keys(serves)))];
  const ejected = candidates.some(({ cooldownMs }) => cooldownMs > 0);
  const figures = [...new Set(candidates.flatMap(({ extra }) => Object.keys(extra)))];
  return [
    { ...column('  instance', ({ key, chosen }) => `${chosen ? '→ ' : '  '}${key}`), align: 'left' },
    column('rtt', distanceOf),
    column('processing', ({ processingMs }) => milliseconds(processingMs)),
    column('samples', ({ samples }) => String(samples)),
    column('success', ({ successProbability }) => percent(successProbability)),
    column('weight', ({ weight }) => percent(weight)),
    column('in flight', ({ inFlight }) => String(inFlight)),
    ...asked.map((name) => column(`serves ${name}`, ({ serves }) => servesText(serves[name] ?? null))),
    ...(ejected ? [column('cooldown', cooldownOf)] : []),
    ...figures.map((name) => column(spaced(name), ({ extra }) => figure(extra[name]))),
  ];
}

const servesText = (serves: boolean | null): string => (serves === null ? '-' : serves ? 'yes' : 'no');

const cooldownOf = ({ cooldownMs }: ExplainedCandidate): string => (cooldownMs > 0 ? cooldownText(cooldownMs) : '-');

const figure = (value: number | undefined): string =>
  value === undefined ? '-' : Number.isInteger(value) ? String(value) : value.toPrecision(3);

/** `unloadedMs` → `unloaded ms`. */
const spaced = (name: string): string => name.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
