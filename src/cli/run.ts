// `qedge run`: the proxy proper, until a signal ends it. SIGTERM and SIGINT drain, a second one does not wait;
// SIGHUP reads the configuration again.

import type { Command } from 'commander';
import { type App, startApp } from '../app.ts';
import { loadConfig } from '../config/load.ts';
import { ConfigError } from '../errors.ts';
import { type ConfigOption, configOption } from './config-option.ts';
import { commit, version } from './version.ts';

export function registerRun(program: Command): void {
  program
    .command('run')
    .description('run the proxy')
    .addOption(configOption())
    .action(async (options: ConfigOption) => {
      const app = await startApp(loadConfig(options.config), { version, commit });
      await untilStopped(app, options.config);
    });
}

async function untilStopped(app: App, file: string): Promise<void> {
  const reload = (): void => void reloadFrom(app, file);
  process.on('SIGHUP', reload);
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(name));
  });
  app.log.info({ signal }, 'stopping');
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
