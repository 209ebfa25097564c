// `qedge explain SERVICE`: where the next request would go, and what speaks for and against each candidate.

import type { Command } from 'commander';
import type { ExplainDocument, ExplainedCandidate } from '../admin/explain.ts';
import { cooldownText } from '../core/standing.ts';
import { type Column, renderColumns } from '../terminal/columns.ts';
import { type Paint, paintFor } from '../terminal/paint.ts';
import { AdminClient, type AdminClientOptions, withAdminOptions } from './admin-client.ts';
import { cell, distanceOf, milliseconds, percent } from './figures.ts';

interface ExplainOptions extends AdminClientOptions {
  readonly client?: string;
  readonly json?: true;
}

/** Figures are never left out: what the table explains is in them. */
const WIDTH_UNLIMITED = 1_000;

export function registerExplain(program: Command): void {
  withAdminOptions(
    program
      .command('explain')
      .description(
        'show why the next request of a service would go where it would; of several event loops (proxy.workers), where ' +
          'most would send it, with what they know together',
      )
      .argument('<service>', 'name of the service'),
  )
    .option('--client <id>', 'as asked by this client')
    .option('--json', 'as JSON')
    .action(async (service: string, options: ExplainOptions) => {
      const client = new AdminClient(options);
      const query = options.client === undefined ? '' : `?client=${encodeURIComponent(options.client)}`;
      const told = await client.get<ExplainDocument>(`/api/v1/services/${encodeURIComponent(service)}/explain${query}`);
      const lines = options.json ? [JSON.stringify(told)] : explainLines(told, paintFor(process.stdout));
      process.stdout.write(`${lines.join('\n')}\n`);
    });
}

export function explainLines(told: ExplainDocument, paint: Paint): readonly string[] {
  const who = told.clientId === '' ? 'the next request' : `the next request of ${told.clientId}`;
  const where = told.chosen ?? (told.byChance ? 'one drawn by lot' : 'nobody');
  const chosen = told.candidates.find((one) => one.chosen);
  const loops =
    told.eventLoops > 1 && chosen !== undefined ? ` in ${chosen.eventLoops} of ${told.eventLoops} event loops` : '';
  const reasons = told.candidates.map(({ key, reason, chosen }) =>
    paint(chosen ? 'plain' : 'dim', `  ${chosen ? '→' : ' '} ${key}: ${reason}`),
  );
  return [
    paint('strong', `${told.service}: ${who} goes to ${where}${loops}`),
    ...(told.chosen === null ? [`  ${told.reason}`] : []),
    '',
    ...renderColumns(columns(told.candidates), { width: WIDTH_UNLIMITED, indent: '  ', paint }),
    '',
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
  const figures = [...new Set(candidates.flatMap(({ extra }) => Object.keys(extra)))];
  return [
    { ...column('instance', ({ key, chosen }) => `${chosen ? '→ ' : '  '}${key}`), align: 'left' },
    column('rtt', distanceOf),
    column('processing', ({ processingMs }) => milliseconds(processingMs)),
    column('samples', ({ samples }) => String(samples)),
    column('success', ({ successProbability }) => percent(successProbability)),
    ...figures.map((name) => column(spaced(name), ({ extra }) => figure(extra[name]))),
    column('weight', ({ weight }) => percent(weight)),
    column('cooldown', ({ cooldownMs }) => (cooldownMs > 0 ? cooldownText(cooldownMs) : '-')),
    column('in flight', ({ inFlight }) => String(inFlight)),
  ];
}

const figure = (value: number | undefined): string =>
  value === undefined ? '-' : Number.isInteger(value) ? String(value) : value.toPrecision(3);

/** `unloadedMs` → `unloaded ms`. */
const spaced = (name: string): string => name.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
