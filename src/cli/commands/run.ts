// `qedge run`: the proxy proper, until a signal ends it (service/service-life.ts).

import type { Command } from 'commander';
import { startApp } from '../../app/app.ts';
import { proveStart } from '../../app/prove-start.ts';
import type { App, Companion } from '../../app/running-app.ts';
import type { Config } from '../../config/config.ts';
import { loadConfig } from '../../config/load.ts';
import { findPredecessor, type Predecessor } from '../../systemd/predecessor.ts';
import { inheritedSockets } from '../../systemd/sockets.ts';
import { commit, version } from '../build-facts.ts';
import { type ConfigOption, configOption } from '../config-option.ts';
import { endProcess } from '../service/end-process.ts';
import { holdServiceSignals } from '../service/held-signals.ts';
import { ServiceLife } from '../service/service-life.ts';
import { watchProbation } from '../service/watch-probation.ts';

export function registerRun(program: Command): void {
  program
    .command('run')
    .summary('run the proxy')
    .description('run the proxy until SIGTERM or SIGINT, which drain it; SIGHUP reads the configuration again')
    .addOption(configOption())
    .action(async ({ config: file }: ConfigOption) => {
      const held = holdServiceSignals();
      const config = loadConfig(file);
      const predecessor = findPredecessor();
      const app = await startInTurn(config, predecessor);
      const probation = watchProbation(app, config.update);
      const life = new ServiceLife({ app, file, probation, inCharge: predecessor?.succeed() });
      const end = life.lived();
      held.release();
      const exitCode = await end;
      // Where this one ended before its predecessor did.
      predecessor?.close();
      // Not left to an empty event loop: a log line whose reader pauses would keep it.
      endProcess(exitCode, app.heldByDisk);
    });
}

async function startInTurn(config: Config, predecessor: Predecessor | null): Promise<App> {
  try {
    const sockets = inheritedSockets();
    // Until its turn comes the predecessor serves, and goes on serving when this fails.
    if (predecessor !== null) await proveStart(config, { sockets, freedStore: predecessor.store });
    const tickets = (await predecessor?.turn()) ?? null;
    const companion = await learningAgent(config);
    return await startApp(config, { version, commit, sockets, tickets, succeeds: predecessor !== null, companion });
  } catch (error) {
    predecessor?.close();
    throw error;
  }
}

/** A node without `[fl]` never loads what learns. */
async function learningAgent(config: Config): Promise<Companion | null> {
  if (config.fl === null) return null;
  const { createCompanion } = await import('../../learning/agent/companion.ts');
  return createCompanion(config, config.fl);
}
