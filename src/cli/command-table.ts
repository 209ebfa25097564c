// Every command, in the order and the groups of the help. A module is loaded when its command may be the one: a start of
// `run` pays for no other.

import type { Command } from 'commander';
import type { LoadCommands } from './commands/completion.ts';

type Register = (program: Command, load: LoadCommands) => void;

interface Entry {
  readonly group: string;
  readonly load: () => Promise<Register>;
}

const RUN = 'Run:';
const LOOK = 'Look inside:';
const COMPARE = 'Compare policies:';
const PLAN = 'Plan:';
const INSTALL = 'Install and update:';
const MORE = 'More:';

const COMMANDS: Readonly<Record<string, Entry>> = {
  run: { group: RUN, load: async () => (await import('./commands/run.ts')).registerRun },
  check: { group: RUN, load: async () => (await import('./commands/check.ts')).registerCheck },
  demo: { group: RUN, load: async () => (await import('./commands/demo.ts')).registerDemo },
  status: { group: LOOK, load: async () => (await import('./commands/status.ts')).registerStatus },
  health: { group: LOOK, load: async () => (await import('./commands/health.ts')).registerHealth },
  explain: { group: LOOK, load: async () => (await import('./commands/explain.ts')).registerExplain },
  policies: { group: COMPARE, load: async () => (await import('./commands/policies.ts')).registerPolicies },
  decisions: { group: COMPARE, load: async () => (await import('./commands/decisions.ts')).registerDecisions },
  simulate: { group: COMPARE, load: async () => (await import('./commands/simulate.ts')).registerSimulate },
  plan: { group: PLAN, load: async () => (await import('./commands/plan.ts')).registerPlan },
  fl: { group: PLAN, load: async () => (await import('./commands/fl/fl.ts')).registerFl },
  install: { group: INSTALL, load: async () => (await import('./commands/install.ts')).registerInstall },
  update: { group: INSTALL, load: async () => (await import('./commands/update.ts')).registerUpdate },
  keygen: { group: INSTALL, load: async () => (await import('./commands/keygen.ts')).registerKeygen },
  sign: { group: INSTALL, load: async () => (await import('./commands/sign.ts')).registerSign },
  verify: { group: INSTALL, load: async () => (await import('./commands/verify.ts')).registerVerify },
  completion: { group: MORE, load: async () => (await import('./commands/completion.ts')).registerCompletion },
  version: { group: MORE, load: async () => (await import('./commands/version.ts')).registerVersion },
  __complete: { group: MORE, load: async () => (await import('./commands/completion.ts')).registerComplete },
};

export const loadCommands: LoadCommands = async (program, name = '') => {
  const wanted = Object.hasOwn(COMMANDS, name) ? [name] : Object.keys(COMMANDS);
  const known = new Set(program.commands.map((command) => command.name()));
  const entries = wanted.filter((one) => !known.has(one)).flatMap((one) => COMMANDS[one] ?? []);
  const registers = await Promise.all(entries.map(({ load }) => load()));
  for (const [i, { group }] of entries.entries()) {
    program.commandsGroup(group);
    registers[i]?.(program, loadCommands);
  }
  program.commandsGroup(MORE).helpCommand(true);
};
