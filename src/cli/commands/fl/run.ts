// `qedge fl run`: the controller of a task, or one that waits for it.

import type { Command } from 'commander';
import { Controller, type ControllerEnd } from '../../../learning/controller/controller.ts';
import { loadTask } from '../../../learning/controller/task-file.ts';
import { createProcessLog } from '../../../telemetry/log.ts';

interface RunOptions {
  readonly fresh?: true;
  readonly json?: true;
}

export function registerRun(fl: Command): void {
  fl.command('run')
    .summary('run the controller of a task')
    .description(
      'run the controller of a task: it gives each node its part, follows the training, and begins again from the last snapshot when nodes come and go; of several controllers one has the task, the others wait',
    )
    .argument('<task.toml>', 'what is to be learned, within which budget, and until when')
    .option(
      '--fresh',
      'forget an earlier run of the task, and its snapshots, unless another controller is at work on it',
    )
    .option('--json', 'write log lines as JSON, also on a terminal')
    .action(async (file: string, { fresh, json }: RunOptions) => {
      const task = loadTask(file);
      const log = createProcessLog({ level: 'info', format: json ? 'json' : 'auto', nodeId: 'controller' });
      const controller = new Controller({ task, log: log.logger, fresh: fresh ?? false });
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.stop());
      const end = await controller.run();
      log.logger.info(factsOf(end), end.kind === 'done' ? 'task done' : 'controller stopped, the task goes on');
      await log.close();
    });
}

function factsOf(end: ControllerEnd): Readonly<Record<string, unknown>> {
  if (end.kind !== 'done') return {};
  const { reason, round, accuracy, loss, spent, snapshot } = end.state;
  return { reason, round, accuracy, loss, spent: Math.round(spent), snapshot: snapshot?.sha256 };
}
