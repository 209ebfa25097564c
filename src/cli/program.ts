// The command line as a whole: registers every command, maps every ending to an exit status.
// 0 good, 1 failed, 64 usage, 78 config (sysexits.h). Errors go to stderr, data to stdout.

import { Command, CommanderError } from 'commander';
import { CommandError, ConfigError, EX_CONFIG, EX_USAGE } from '../errors.ts';
import { widthOf } from '../terminal/paint.ts';
import { wrapWords } from '../terminal/wrap.ts';
import { commit, version } from './build-facts.ts';
import { loadCommands } from './command-table.ts';
import { missingFileHint } from './config-option.ts';
import { nameProcess } from './service/process-name.ts';

const EPILOGUE = `
Begin with: qedge demo. A configuration of your own: qedge check, qedge run.
Exit status: 0 good, 1 failed, 64 wrong usage, 78 wrong configuration.`;

/** Every command, or the one that `first` names alone. */
export async function commandTree(first?: string): Promise<Command> {
  const program = new Command('qedge')
    .description('QoS-aware edge load balancer: one on every node, no coordinator')
    .exitOverride()
    .version(`qedge ${version} (${commit})`, '-V, --version', 'print version and commit; qedge version says more')
    .configureOutput({ outputError: (text) => complain(reworded(text)) })
    .addHelpText('after', EPILOGUE);
  await loadCommands(program, first);
  hintAtHelp(program, 'qedge');
  return program;
}

/** Runs one command to its end and returns the exit status; never throws for what a user could have caused. */
export async function runCli(argv: readonly string[]): Promise<number> {
  nameProcess('qedge');
  const program = await commandTree(argv[0]);
  try {
    await program.parseAsync(meant(program, argv), { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return exitCodeOf(error, argv);
  }
}

/**
 * The words as commander has to see them: `help fl run` is `fl run --help`, which it would take for `help fl`; and of a command
 * that is not known it hears no `--help`, which it would answer with the help of all.
 */
function meant(program: Command, argv: readonly string[]): readonly string[] {
  const words = argv[0] === 'help' && argv.length > 1 ? [...argv.slice(1), '--help'] : argv;
  let command = program;
  for (const [i, word] of words.entries()) {
    if (command.commands.length === 0 || word.startsWith('-') || word === 'help') return words;
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (next === undefined) return words.slice(0, i + 1);
    command = next;
  }
  return words;
}

/** After a mistake: where to read how it is meant. */
function hintAtHelp(command: Command, path: string): void {
  command.showHelpAfterError(`(${path} --help says how)`);
  for (const child of command.commands) hintAtHelp(child, `${path} ${child.name()}`);
}

/** What commander says of a mistake, in the words that qedge uses elsewhere. */
function reworded(text: string): string {
  return text
    .trimEnd()
    .replace(/^error: /, '')
    .replace(
      /((?:argument|value) )'(.*)' is invalid(.*)\. Allowed choices are (.*)\.$/s,
      "$1'$2' is invalid$3. expected one of $4, got $2",
    )
    .replace(/^command-argument value '.*' is invalid for argument '(.*?)'\. /s, '$1: ')
    .replace(/^too many arguments for '(?:run|check|health)'\. .*: (\S+\.toml)\.$/s, 'expected -c $1, got $1')
    .replace(/^too many arguments for '.*'\. Expected (.*) but got (\d+): (.*)\.$/s, 'expected $1, got $2: $3')
    .replace(/^option '(?:-\w, )?(--[\w-]+)[^']*' argument '.*' is invalid\. /s, '$1: ')
    .replace(/\n\(Did you mean (.*)\?\)/, ', did you mean $1?');
}

/** To standard error, a line a complaint, broken between words where a terminal would break within them. */
function complain(text: string): void {
  const width = widthOf(process.stderr);
  const lines = text
    .split('\n')
    .flatMap((line) => wrapWords(line.split(' '), { width, first: 'qedge: ', hanging: '       ' }));
  process.stderr.write(`${lines.join('\n')}\n`);
}

function exitCodeOf(error: unknown, argv: readonly string[]): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EX_USAGE;
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}${missingFileHint(argv, error)}\n`);
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
