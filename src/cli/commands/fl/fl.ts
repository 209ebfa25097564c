// `qedge fl`: federated learning over the nodes there are.

import type { Command } from 'commander';
import { registerDemo } from './demo.ts';
import { registerPlan } from './plan.ts';
import { registerRun } from './run.ts';
import { registerService } from './service.ts';
import { registerStatus } from './status.ts';

export function registerFl(program: Command): void {
  const fl = program
    .command('fl')
    .summary('plan and run federated learning')
    .description(
      'federated learning: which nodes learn together, how often models travel, and a controller that sees to it',
    );
  registerPlan(fl);
  registerRun(fl);
  registerStatus(fl);
  registerDemo(fl);
  registerService(fl);
}
