// `qedge policies [NAME]`: what there is to choose from, and what options each has.

import type { Command } from 'commander';
import { defaultText, isStudySwitch, type OptionSpec, rangeText } from '../../core/policies/options.ts';
import { checkPolicy, isPolicyName, POLICIES, POLICY_NAMES, type PolicyName } from '../../core/policies/registry.ts';
import { CommandError, EX_USAGE } from '../../errors.ts';
import { widthOf } from '../../terminal/paint.ts';
import { wrapWords } from '../../terminal/wrap.ts';

export function registerPolicies(program: Command): void {
  program
    .command('policies')
    .summary('list the routing policies and their options')
    .description('list the routing policies, or the options of one with their defaults')
    .argument('[policy]', 'name of a policy')
    .option('--json', 'print JSON')
    .action((name: string | undefined, options: { readonly json?: true }) => {
      const width = widthOf(process.stdout);
      const chosen = name === undefined ? null : known(name);
      const lines = options.json
        ? [JSON.stringify(chosen === null ? POLICIES : POLICIES[chosen])]
        : chosen === null
          ? namesLines(width)
          : optionsLines(chosen, width);
      process.stdout.write(`${lines.join('\n')}\n`);
    });
}

function known(name: string): PolicyName {
  if (isPolicyName(name)) return name;
  const problems = checkPolicy({ name, options: {} }).map(({ message }) => message);
  throw new CommandError(problems.join('\n'), EX_USAGE);
}

function namesLines(width: number): readonly string[] {
  return [
    ...definitions(
      POLICY_NAMES.map((name) => [name, POLICIES[name].about]),
      width,
    ),
    '',
    'Their options: qedge policies NAME',
  ];
}

function optionsLines(name: PolicyName, width: number): readonly string[] {
  const { about, options } = POLICIES[name];
  const specs = Object.entries<OptionSpec>(options);
  const [first] = specs;
  const headline = wrapWords(`${name}: ${about}`.split(' '), { width, first: '', hanging: '  ' });
  if (first === undefined) return [...headline, 'It has no options.'];
  const [key, spec] = first;
  const value = defaultText(spec);
  const lines = (which: readonly (readonly [string, OptionSpec])[]): readonly string[] =>
    definitions(
      which.map(([option, one]) => [`${option} = ${defaultText(one)}`, meaning(one)]),
      width,
    );
  const switches = specs.filter(([, one]) => isStudySwitch(one));
  return [
    ...headline,
    '',
    ...lines(specs.filter(([, one]) => !isStudySwitch(one))),
    '',
    ...(switches.length === 0 ? [] : ['Switches for studies, which a service does not take:', ...lines(switches), '']),
    `In a service of the configuration: policy = { name = "${name}", ${key} = ${value} }`,
    `For simulate and decisions replay: --policy ${name}:${key}=${value.replaceAll('"', '')}`,
  ];
}

function meaning(spec: OptionSpec): string {
  const range = rangeText(spec);
  return range === '' ? spec.about : `${spec.about} (${range})`;
}

/** Terms to the left, what they mean beside them, as wide as the terminal. */
function definitions(pairs: readonly (readonly [string, string])[], width: number): readonly string[] {
  const termWidth = Math.max(...pairs.map(([term]) => term.length));
  return pairs.flatMap(([term, text]) =>
    wrapWords(text.split(' '), {
      width,
      first: `  ${term.padEnd(termWidth)}  `,
      hanging: ' '.repeat(termWidth + 4),
    }),
  );
}
