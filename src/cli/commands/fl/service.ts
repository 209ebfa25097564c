// `qedge fl service`: a small real training, to try federated learning with: `command = ["qedge", "fl", "service"]`.

import type { Command } from 'commander';
import { CommandError, EX_USAGE } from '../../../errors.ts';
import { runService } from '../../../learning/sample/service.ts';

export function registerService(fl: Command): void {
  fl.command('service')
    .summary('train a small model, for trials')
    .description(
      'train softmax regression on drawn digits, for trials; run by an agent whose [fl] command is ["qedge", "fl", "service"]',
    )
    .action(async () => {
      if (!process.env.FL_ROLE)
        throw new CommandError('expected FL_ROLE and more in the environment: an agent runs this command', EX_USAGE);
      await runService(process.env);
    });
}
