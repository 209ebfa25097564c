// `qedge fl status`: how far a task is, by what stands on its broker.

import type { Command } from 'commander';
import { lookAtTask, type TaskLook } from '../../../learning/controller/look.ts';
import { loadTask } from '../../../learning/controller/task-file.ts';
import { widthOf } from '../../../terminal/paint.ts';
import { printable } from '../../../terminal/printable.ts';
import { wrapWords } from '../../../terminal/wrap.ts';

export function registerStatus(fl: Command): void {
  fl.command('status')
    .description(
      'show how far a task is: its controller, its clusters, its accuracy, what it has cost, which reports were ignored',
    )
    .argument('<task.toml>', 'the file of the task')
    .option('--json', 'print JSON')
    .action(async (file: string, { json }: { readonly json?: true }) => {
      const look = await lookAtTask(loadTask(file));
      const text = json
        ? printable(JSON.stringify({ ...look, progress: Object.fromEntries(look.progress) }))
        : textOf(look, widthOf(process.stdout));
      process.stdout.write(`${text}\n`);
    });
}

/** Everything in it may be written by anyone who may write to the broker. */
export function textOf({ claim, state, progress }: TaskLook, width: number): string {
  const controller = claim === null ? 'none' : `${claim.id}, term ${claim.term}`;
  const facts: [string, string][] = [['controller', controller]];
  if (state === null) facts.push(['phase', 'not begun']);
  else {
    const { phase, reason, generation, round, accuracy, loss, spent, configuration, snapshot, ignored } = state;
    const quality = accuracy === null ? '' : `, accuracy ${accuracy.toFixed(4)}`;
    facts.push(
      ['phase', `${phase}: ${reason}`],
      ['round', `${round} in generation ${generation}${quality}${loss === null ? '' : `, loss ${loss.toFixed(4)}`}`],
      ['cost', `${Math.round(spent)} units so far`],
      ['snapshot', snapshot === null ? 'none' : `of round ${snapshot.round}`],
    );
    for (const { aggregator, clients } of configuration?.clusters ?? []) {
      const members = clients.map((client) => `${client}${roundText(progress.get(client), generation)}`);
      facts.push([`at ${aggregator}`, members.join(' ')]);
    }
    for (const { node, count, reason: why } of ignored) facts.push(['ignored', `${count} of ${node}: ${why}`]);
  }
  return facts
    .flatMap(([key, text]) =>
      wrapWords(printable(text).split(' '), { width, first: key.padEnd(12), hanging: ' '.repeat(14) }),
    )
    .join('\n');
}

/** What a client trains on, where it has said something in this generation. */
function roundText(
  progress: { readonly round: number; readonly generation: number } | undefined,
  generation: number,
): string {
  return progress?.generation === generation ? ` (${progress.round})` : '';
}
