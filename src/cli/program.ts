// The command line as a whole: registers every command, maps every ending to an exit status.
// 0 good, 1 failed, 64 usage, 78 config (sysexits.h). Errors go to stderr, data to stdout.

import { Command, CommanderError } from 'commander';
import { CommandError, ConfigError, EX_CONFIG, EX_USAGE } from '../errors.ts';
import { widthOf } from '../terminal/paint.ts';
import { wrapWords } from '../terminal/wrap.ts';
import { commit, version } from './build-facts.ts';
import { nameProcess } from './service/process-name.ts';

type Register = (program: Command) => void;

/** In the order of the help. A module is loaded when its command may be the one: a start of `run` pays for no other. */
const COMMANDS: Readonly<Record<string, () => Promise<Register>>> = {
  run: async () => (await import('./commands/run.ts')).registerRun,
  demo: async () => (await import('./commands/demo.ts')).registerDemo,
  check: async () => (await import('./commands/check.ts')).registerCheck,
  status: async () => (await import('./commands/status.ts')).registerStatus,
  explain: async () => (await import('./commands/explain.ts')).registerExplain,
  decisions: async () => (await import('./commands/decisions.ts')).registerDecisions,
  policies: async () => (await import('./commands/policies.ts')).registerPolicies,
  install: async () => (await import('./commands/install.ts')).registerInstall,
  update: async () => (await import('./commands/update.ts')).registerUpdate,
  keygen: async () => (await import('./commands/keygen.ts')).registerKeygen,
  sign: async () => (await import('./commands/sign.ts')).registerSign,
  simulate: async () => (await import('./commands/simulate.ts')).registerSimulate,
  version: async () => (await import('./commands/version.ts')).registerVersion,
};

const EPILOGUE = `
Begin with: qedge demo. A configuration of your own: qedge check, qedge run.
Exit status: 0 good, 1 failed, 64 wrong usage, 78 wrong configuration.`;

/** Runs one command to its end and returns the exit status; never throws for what a user could have caused. */
export async function runCli(argv: readonly string[]): Promise<number> {
  nameProcess('qedge');
  const program = new Command('qedge')
    .description('QoS-aware edge load balancer: one on every node, no coordinator')
    .exitOverride()
    .version(`qedge ${version} (${commit})`, '-V, --version', 'print version and commit; qedge version says more')
    .configureOutput({ outputError: (text) => complain(reworded(text)) })
    .addHelpText('after', EPILOGUE);
  for (const register of await registersFor(argv[0])) register(program);
  hintAtHelp(program, 'qedge');
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return exitCodeOf(error);
  }
}

/** Of the command that `first` names; of all, for the help and for what is no command. */
function registersFor(first = ''): Promise<readonly Register[]> {
  const loads = Object.hasOwn(COMMANDS, first) ? [COMMANDS[first]] : Object.values(COMMANDS);
  return Promise.all(loads.flatMap((load) => (load === undefined ? [] : [load()])));
}

/** After a mistake: where to read how it is meant. */
function hintAtHelp(command: Command, path: string): void {
  command.showHelpAfterError(`(${path} --help says how)`);
  for (const child of command.commands) hintAtHelp(child, `${path} ${child.name()}`);
}

/** What commander says of a mistake, in the words that qedge uses elsewhere. */
function reworded(text: string): string {
  return text
    .replace(/^error: /, '')
    .replace(/^option '(?:-\w, )?(--[\w-]+)[^']*' argument '.*' is invalid\. /s, '$1: ')
    .replace(/\n\(Did you mean (.*)\?\)/, ', did you mean $1?')
    .trimEnd();
}

/** To standard error, a line a complaint, broken between words where a terminal would break within them. */
function complain(text: string): void {
  const width = widthOf(process.stderr);
  const lines = text
    .split('\n')
    .flatMap((line) => wrapWords(line.split(' '), { width, first: 'qedge: ', hanging: '       ' }));
  process.stderr.write(`${lines.join('\n')}\n`);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EX_USAGE;
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
    return EX_CONFIG;
  }
  if (error instanceof CommandError) {
    complain(error.message);
    return error.exitCode;
  }
  complain(wordsOf(error));
  return 1;
}

/** What the system refuses, such as a directory that is not there, says itself what is wrong; a fault of ours needs its stack. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'syscall' in error ? error.message : (error.stack ?? error.message);
}
