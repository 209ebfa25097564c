// `qedge run`: the proxy proper, until a signal ends it (service/run-service.ts).

import type { Command } from 'commander';
import { loadConfig } from '../../config/load.ts';
import { startStoreThreadAhead } from '../../store/store-thread.ts';
import { type ConfigOption, configOption } from '../config-option.ts';
import { endProcess } from '../service/end-process.ts';
import { holdServiceSignals } from '../service/held-signals.ts';

export function registerRun(program: Command): void {
  program
    .command('run')
    .summary('run the proxy')
    .description('run the proxy until SIGTERM or SIGINT, which drain it; SIGHUP reads the configuration again')
    .addOption(configOption())
    .action(async ({ config: file }: ConfigOption) => {
      holdServiceSignals();
      const config = loadConfig(file);
      if (config.store.path !== null) startStoreThreadAhead();
      // Most of the program, loaded while the thread boots.
      const { runService } = await import('../service/run-service.ts');
      const { exitCode, heldByDisk } = await runService(file, config);
      // Not left to an empty event loop: a log line whose reader pauses would keep it.
      endProcess(exitCode, heldByDisk);
    });
}
