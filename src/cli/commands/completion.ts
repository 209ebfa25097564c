// `qedge completion SHELL` prints what a shell needs to complete qedge's words; it asks the hidden `qedge __complete`.

import { Argument, type Command } from 'commander';
import { asset } from '../../sea.ts';
import { completionsOf } from '../completion/completions.ts';

/** Registers the command of that name, or all where none has it; those that are registered stay. */
export type LoadCommands = (program: Command, name?: string) => Promise<void>;

/** Shell → its script, beside the configuration. */
const SCRIPTS = { bash: 'qedge.bash', zsh: '_qedge', fish: 'qedge.fish' } as const;
type Shell = keyof typeof SCRIPTS;

const HOW = `
For this shell alone:           for every one:
  source <(qedge completion bash)   qedge completion bash > /etc/bash_completion.d/qedge
  source <(qedge completion zsh)    qedge completion zsh > "\${fpath[1]}/_qedge"
  qedge completion fish | source    qedge completion fish > ~/.config/fish/completions/qedge.fish`;

export function registerCompletion(program: Command): void {
  program
    .command('completion')
    .summary('print the completion of a shell')
    .description('print what completes commands, options, and the names that the running qedge knows')
    .addArgument(new Argument('<shell>').choices(Object.keys(SCRIPTS)))
    .addHelpText('after', HOW)
    .action((shell: Shell) => {
      const script = asset(`config/completion/${SCRIPTS[shell]}`);
      if (script === null) throw new Error(`the script of ${shell} is not in this program`);
      process.stdout.write(script);
    });
}

/** The words after `qedge`, the last one being typed → a line for each way to go on, `word<TAB>what it is`. */
export function registerComplete(program: Command, load: LoadCommands): void {
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .helpOption(false)
    .action(async (words: readonly string[]) => {
      await load(program, words.length > 1 ? words[0] : undefined);
      const lines = await completionsOf(program, words);
      process.stdout.write(lines.map((line) => `${line}\n`).join(''));
    });
}
