// `qedge run`: the proxy proper, until a signal ends it. SIGTERM and SIGINT drain, a second one does not wait;
// SIGHUP reads the configuration again.

import type { Command } from 'commander';
import { type App, startApp } from '../app.ts';
import { loadConfig } from '../config/load.ts';
import { ConfigError } from '../errors.ts';
import { type ConfigOption, configOption } from './config-option.ts';
import { commit, version } from './version.ts';
import { type ProbationWatch, watchProbation } from './watch-probation.ts';

export function registerRun(program: Command): void {
  program
    .command('run')
    .description('run the proxy')
    .addOption(configOption())
    .action(async (options: ConfigOption) => {
      const config = loadConfig(options.config);
      const app = await startApp(config, { version, commit });
      const probation = watchProbation(app, config.update);
      await untilStopped(app, options.config, probation);
    });
}

async function untilStopped(app: App, file: string, probation: ProbationWatch): Promise<void> {
  const reload = (): void => void reloadFrom(app, file);
  process.on('SIGHUP', reload);
  const signal = new Promise<NodeJS.Signals>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(name));
  });
  const cause = await Promise.race([signal, probation.rejected]);
  probation.stop();
  app.log.info({ cause }, 'stopping');
  // The service manager starts what the guard of updates has put in place meanwhile.
  if (cause === 'rejected') process.exitCode = 1;
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => process.exit(1));
  await app.stop();
  process.removeListener('SIGHUP', reload);
}

async function reloadFrom(app: App, file: string): Promise<void> {
  try {
    await app.reload(loadConfig(file));
  } catch (error) {
    const problems = error instanceof ConfigError ? error.message.split('\n') : [String(error)];
    app.log.error({ problems }, 'reload refused, nothing changed');
  }
}
