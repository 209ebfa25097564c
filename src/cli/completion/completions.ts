// What may come next on a command line, read from the commands' own definitions. How a value is completed is said by the
// name of its placeholder: `<service>` is one that the running qedge knows, `<file>` and `<task.toml>` are files.

import type { Command, Option } from 'commander';
import { POLICIES, POLICY_NAMES } from '../../core/policies/registry.ts';
import { runningNames } from './running-names.ts';

/** A line of the answer, `word<TAB>what it is`. */
type Line = string;

/** Lines that ask the shell for names that it knows better. */
const FILES = ':files';
const DIRECTORIES = ':directories';

/** Placeholder → the words that can stand there. */
const VALUES: Readonly<Record<string, (line: CommandLine) => readonly Line[] | Promise<readonly Line[]>>> = {
  file: () => [FILES],
  source: () => [FILES],
  dir: () => [DIRECTORIES],
  policy: policyLines,
  policies: policyLines,
  service: ({ options }) => runningNames(['service'], options),
  names: ({ options }) => runningNames(['service', 'instance'], options),
  client: ({ options }) => runningNames(['client'], options),
};

function policyLines(): readonly Line[] {
  return POLICY_NAMES.map((name) => `${name}\t${POLICIES[name].about}`);
}

/** What was typed before the word in question. */
interface CommandLine {
  readonly command: Command;
  /** Arguments of it so far. */
  readonly positional: number;
  /** By its name without dashes; empty where it takes no value. */
  readonly options: Readonly<Record<string, string>>;
  /** An option that waits for its value. */
  readonly open: Option | null;
  /** After `--`. */
  readonly optionsEnded: boolean;
}

/** `words` are those after `qedge`; the last one, which may be empty, is the one in question. */
export async function completionsOf(program: Command, words: readonly string[]): Promise<readonly Line[]> {
  const word = words.at(-1) ?? '';
  if (words[0] === 'help' && words.length > 1) {
    return matching(commandLines(readLine(program, words.slice(1, -1))), word);
  }
  const line = readLine(program, words.slice(0, -1));
  const [, option, value] = /^(--[^=]+)=(.*)$/.exec(word) ?? [];
  if (option !== undefined && value !== undefined && !line.optionsEnded) {
    const lines = await valuesOf(optionOf(line.command, option), line);
    return matching(lines, value).map((one) => (one.startsWith(':') ? one : `${option}=${one}`));
  }
  if (line.open !== null) return matching(await valuesOf(line.open, line), word);
  if (word.startsWith('-') && !line.optionsEnded) return matching(optionLines(line), word);
  return matching([...commandLines(line), ...(await argumentLines(line))], word);
}

const matching = (lines: readonly Line[], word: string): readonly Line[] =>
  lines.filter((line) => line.startsWith(':') || line.startsWith(word));

function readLine(program: Command, words: readonly string[]): CommandLine {
  let command = program;
  let positional = 0;
  let open: Option | null = null;
  let optionsEnded = false;
  const options: Record<string, string> = {};
  for (const word of words) {
    const child = positional === 0 ? subcommand(command, word) : undefined;
    if (open !== null) {
      options[open.attributeName()] = word;
      open = null;
    } else if (word === '--' && !optionsEnded) optionsEnded = true;
    else if (word.startsWith('-') && !optionsEnded) {
      const [name = '', value] = word.split(/=(.*)/s);
      const option = optionOf(command, name);
      if (option === undefined) continue;
      options[option.attributeName()] = value ?? '';
      if (value === undefined && option.required) open = option;
    } else if (child !== undefined) command = child;
    else positional++;
  }
  return { command, positional, options, open, optionsEnded };
}

const subcommand = (command: Command, word: string): Command | undefined =>
  command.commands.find((one) => one.name() === word || one.aliases().includes(word));

const optionOf = (command: Command, name: string): Option | undefined =>
  command.options.find(({ short, long }) => short === name || long === name);

function optionLines({ command, options }: CommandLine): readonly Line[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter((option) => !(option.attributeName() in options))
    .map((option) => `${option.long}\t${option.description}`);
}

function commandLines({ command, positional }: CommandLine): readonly Line[] {
  if (positional > 0) return [];
  const help = command.createHelp();
  return help.visibleCommands(command).map((one) => `${one.name()}\t${help.subcommandDescription(one)}`);
}

async function argumentLines(line: CommandLine): Promise<readonly Line[]> {
  const { registeredArguments: known } = line.command;
  const last = known.at(-1);
  const argument = known[line.positional] ?? (last?.variadic ? last : undefined);
  if (argument === undefined) return [];
  return argument.argChoices ?? valuesFor(argument.name(), line);
}

async function valuesOf(option: Option | undefined, line: CommandLine): Promise<readonly Line[]> {
  if (option === undefined) return [];
  const placeholder = /[<[](.+?)[>\]]/.exec(option.flags)?.[1] ?? '';
  return option.argChoices ?? valuesFor(placeholder, line);
}

async function valuesFor(placeholder: string, line: CommandLine): Promise<readonly Line[]> {
  return placeholder.includes('.') ? [FILES] : ((await VALUES[placeholder]?.(line)) ?? []);
}
