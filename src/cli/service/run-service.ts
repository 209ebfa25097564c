// The process as a service: it takes its turn after the one that serves, and lives until a signal ends it.

import { startApp } from '../../app/app.ts';
import { proveStart } from '../../app/prove-start.ts';
import type { App, Companion } from '../../app/running-app.ts';
import type { Config } from '../../config/config.ts';
import { findPredecessor, type Predecessor } from '../../systemd/predecessor.ts';
import { inheritedSockets } from '../../systemd/sockets.ts';
import { commit, version } from '../build-facts.ts';
import { holdServiceSignals } from './held-signals.ts';
import { ServiceLife } from './service-life.ts';
import { watchProbation } from './watch-probation.ts';

/** How a service ended. */
export interface ServiceEnd {
  readonly exitCode: number;
  /** A thread still waits for the disk. */
  readonly heldByDisk: boolean;
}

/**
 * Runs qedge with the configuration of `file` until it ends.
 *
 * @throws CommandError when it cannot start
 */
export async function runService(file: string, config: Config): Promise<ServiceEnd> {
  const held = holdServiceSignals();
  const predecessor = findPredecessor();
  const app = await startInTurn(config, predecessor);
  const probation = watchProbation(app, config.update);
  const life = new ServiceLife({ app, file, probation, inCharge: predecessor?.succeed() });
  const end = life.lived();
  held.release();
  const exitCode = await end;
  // Where this one ended before its predecessor did.
  predecessor?.close();
  return { exitCode, heldByDisk: app.heldByDisk };
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
