// `qedge fl demo`: federated learning with nothing to set up.

import { type Command, Option } from 'commander';
import { startBroker } from '../../../demo/broker.ts';
import { runLearningDemo } from '../../../learning/demo.ts';
import { isSingleExecutable } from '../../../sea.ts';
import { count } from '../../number-arguments.ts';

interface DemoOptions {
  readonly rounds: number;
  readonly leaveAt: number;
  readonly leave: boolean;
}

export function registerDemo(fl: Command): void {
  fl.command('demo')
    .summary('try it: broker, controller and nine nodes that really train')
    .description(
      'run the nine nodes of AIoTwin D1.3 on this machine, each with a process that trains on drawn digits; n9 leaves on the way, and the others go on from the last snapshot',
    )
    .addOption(new Option('--rounds <count>', 'end after so many rounds').argParser(count).default(20))
    .addOption(new Option('--leave-at <round>', 'round after which n9 leaves').argParser(count).default(10))
    .option('--no-leave', 'keep all nodes to the end')
    .action(async ({ rounds, leaveAt, leave }: DemoOptions) => {
      const controller = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
      const broker = await startBroker(0);
      try {
        await runLearningDemo({
          brokerUrl: broker.url,
          command: [process.execPath, ...ownScript(), 'fl', 'service'],
          rounds,
          leaveAt: leave ? leaveAt : null,
          print: (line) => process.stdout.write(`${line}\n`),
          signal: controller.signal,
        });
      } finally {
        await broker.close();
      }
    });
}

/** From source this program is an argument of Node. */
function ownScript(): readonly string[] {
  return isSingleExecutable ? [] : ['--no-warnings', process.argv[1] ?? ''];
}
