// How well the policies route, by simulation: `npm run bench:routing -- [scenarios|worlds] [--depth quick|medium|full] [--jobs N]`.
// `scenarios` are those of config/scenarios, `worlds` are generated ones that nothing was tuned on; without a name, both. Prints the
// tables of test/README.md; --write puts them there. CPU minutes: 5, 11 and 45.
//
// For tuning: worlds --set train [--kinds tight-1.1,mixed] [--subject qedge:price=0.6] [--policies P,…] [--each]. What one world shows is
// mostly chance in one draw of its requests: --arrivals 6 takes the mean of six. --seed 90000 takes worlds that nothing else uses.

import '../support/bench-help.ts';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { benchScenarios } from './routing/bench.ts';
import { benchWorlds } from './worlds/bench.ts';

const README = resolve(import.meta.dirname, '../README.md');
const DEPTHS = ['quick', 'medium', 'full'] as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    depth: { type: 'string', default: 'quick' },
    write: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '1' },
    set: { type: 'string', default: 'test' },
    seed: { type: 'string' },
    arrivals: { type: 'string', default: '1' },
    kinds: { type: 'string' },
    policies: { type: 'string' },
    subject: { type: 'string', default: 'qedge' },
    each: { type: 'boolean', default: false },
  },
});

const parts = positionals.length === 0 ? ['scenarios', 'worlds'] : positionals;
const depth = oneOf('--depth', values.depth, DEPTHS);
const jobs = Math.max(1, Number(values.jobs) || 1);
// Taken first: the code may change while the runs go on.
const origin = provenance();
for (const part of parts) {
  const section = oneOf('section', part, ['scenarios', 'worlds']);
  const text = `${section === 'scenarios' ? await scenarios() : await worlds()}\n\n${origin}`;
  process.stderr.write('\n');
  process.stdout.write(`${text}\n\n`);
  if (values.write) writeFileSync(README, withSection(readFileSync(README, 'utf8'), section, text));
}

function scenarios(): Promise<string> {
  return benchScenarios({ depth, jobs, onProgress });
}

function worlds(): Promise<string> {
  return benchWorlds({
    depth: depth === 'full' ? 'full' : 'quick',
    set: oneOf('--set', values.set, ['train', 'test']),
    seed: values.seed === undefined ? null : Number(values.seed),
    arrivals: Math.max(1, Number(values.arrivals) || 1),
    kinds: values.kinds?.split(',') ?? null,
    policies: values.policies?.split(',') ?? null,
    subject: values.subject,
    each: values.each,
    jobs,
    onProgress,
  });
}

function onProgress(done: number, all: number): void {
  if (process.stderr.isTTY === true || done % 20 === 0) process.stderr.write(`\r${done} of ${all} runs`);
}

/** Which command gave the figures, of which code, on which machine. */
function provenance(): string {
  const commit = execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  const [first] = cpus();
  const command = `npm run bench:routing -- ${process.argv
    .slice(2)
    .filter((word) => word !== '--write')
    .join(' ')}`.trim();
  return `By \`${command}\` at commit ${commit}, on ${cpus().length} × ${first?.model.trim() ?? 'unknown processor'}, Node ${process.versions.node}.`;
}

function oneOf<const T extends string>(what: string, text: string, known: readonly T[]): T {
  const found = known.find((one) => one === text);
  if (found === undefined) throw new Error(`${what} ${text}: expected ${known.join(', ')}`);
  return found;
}

function withSection(readme: string, section: string, text: string): string {
  const [begin, end] = [`<!-- bench:routing ${section} begins -->`, `<!-- bench:routing ${section} ends -->`];
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md has no ${begin} … ${end}`);
  return `${readme.slice(0, from + begin.length)}\n\n${text}\n\n${readme.slice(to)}`;
}
