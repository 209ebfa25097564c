// qedge(1), from the definitions that the command line itself is read by.

import type { Argument, Command, Help } from 'commander';
import { type Build, bold, entry, italic, prose, titleLine, verbatim } from './roff.ts';

const FILES: readonly (readonly [string, string])[] = [
  ['/etc/qedge/qedge.toml', 'The configuration of the service, see qedge.toml(5).'],
  ['/var/lib/qedge', 'What was learned; it survives a restart.'],
];
const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ['QEDGE_ADMIN_TOKEN', 'The token of the admin port, for the commands that ask the running qedge.'],
  ['NO_COLOR', 'No colours.'],
];
const STATUSES: readonly (readonly [string, string])[] = [
  ['0', 'Good.'],
  ['1', 'Failed.'],
  ['64', 'Wrong usage.'],
  ['78', 'Wrong configuration.'],
];
const EXAMPLES: readonly (readonly [string, string])[] = [
  ['See what it does, with nothing to set up:', 'qedge demo'],
  ['Check a configuration, and what it names:', 'qedge check --online -c qedge.toml'],
  ['Run, and look at it from another terminal:', 'qedge run -c qedge.toml\nqedge status --watch'],
  ['Complete its words in bash:', 'source <(qedge completion bash)'],
];

/** The page of every command that is shown in the help. */
export function commandPage(program: Command, build: Build): string {
  const help = program.createHelp();
  return `${[
    titleLine({ name: 'qedge', section: 1 }, build),
    '.SH NAME',
    prose(`qedge - ${program.description()}`),
    '.SH SYNOPSIS',
    `.B qedge\n${italic('command')}\n[${italic('options')}]`,
    '.SH DESCRIPTION',
    prose(
      'For each service qedge learns from its own requests which instances can answer in time from where it stands, and sends them the traffic.',
    ),
    prose('Errors go to standard error, data to standard output.'),
    '.SH OPTIONS',
    ...optionEntries(program, help),
    ...commandGroups(program, help).flatMap(({ heading, commands }) => [
      `.SH ${prose(heading.replace(/:$/, '').toUpperCase())}`,
      ...commands.flatMap((command) => commandLines(command, 'qedge')),
    ]),
    '.SH EXIT STATUS',
    ...STATUSES.map(([status, meaning]) => entry(bold(status), prose(meaning))),
    '.SH ENVIRONMENT',
    ...ENVIRONMENT.map(([name, meaning]) => entry(bold(name), prose(meaning))),
    '.SH FILES',
    ...FILES.map(([path, meaning]) => entry(italic(path), prose(meaning))),
    '.SH EXAMPLES',
    ...EXAMPLES.map(([meaning, line]) => entry(prose(meaning), verbatim(line))),
    '.SH SEE ALSO',
    `.BR qedge.toml (5),\n.BR systemctl (1)`,
  ].join('\n')}\n`;
}

interface Group {
  readonly heading: string;
  readonly commands: readonly Command[];
}

/** In the order of the help, without `help` itself. */
function commandGroups(program: Command, help: Help): readonly Group[] {
  const commands = help.visibleCommands(program).filter((command) => command.name() !== 'help');
  const headings = [...new Set(commands.map((command) => command.helpGroup()))];
  return headings.map((heading) => ({
    heading,
    commands: commands.filter((command) => command.helpGroup() === heading),
  }));
}

/** One for the command, or one for each of those below it. */
function commandLines(command: Command, path: string): readonly string[] {
  const name = `${path} ${command.name()}`;
  const help = command.createHelp();
  const below = help.visibleCommands(command).filter((one) => one.name() !== 'help');
  if (below.length > 0) return below.flatMap((one) => commandLines(one, name));
  const words = command.registeredArguments.map(argumentWord);
  const options = optionEntries(command, help);
  const usage = [bold(name), ...(options.length > 0 ? [`[${italic('options')}]`] : []), ...words].join(' ');
  return [`.SS ${usage}`, prose(sentence(command.description())), ...argumentEntries(command, help), ...options];
}

const argumentWord = (argument: Argument): string => {
  const word = `${italic(argument.name().toUpperCase())}${argument.variadic ? '...' : ''}`;
  return argument.required ? word : `[${word}]`;
};

const argumentEntries = (command: Command, help: Help): readonly string[] =>
  help
    .visibleArguments(command)
    .map((argument) =>
      entry(italic(argument.name().toUpperCase()), prose(sentence(help.argumentDescription(argument)))),
    );

const optionEntries = (command: Command, help: Help): readonly string[] =>
  help
    .visibleOptions(command)
    .filter((option) => option.long !== '--help')
    .map((option) => entry(bold(help.optionTerm(option)), prose(sentence(help.optionDescription(option)))));

/** With a capital, but for what begins with a value, such as `road: cars …`, and with a full stop. */
const sentence = (text: string): string => {
  const begun = /^[\w-]+: /.test(text) ? text : `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
  return /[.?)]$/.test(text) ? begun : `${begun}.`;
};
