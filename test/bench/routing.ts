// How well the policies route, by hand: `npm run bench:routing -- [--depth quick|medium|full] [--jobs N] [--write]`. Simulates the whole matrix of
// scenarios and prints the tables of the README section; --write puts them there. CPU minutes: 2, 8 and 20.

import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Results } from './routing/figures.ts';
import { cellsOf, DEPTHS } from './routing/matrix.ts';
import { runTasks, tasksOf } from './routing/run.ts';
import { tablesOf } from './routing/tables.ts';

const README = resolve(import.meta.dirname, '../../README.md');
const BEGIN = '<!-- bench:routing begins -->';
const END = '<!-- bench:routing ends -->';

const { values } = parseArgs({
  options: {
    depth: { type: 'string', default: 'quick' },
    write: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '1' },
  },
});

const { [values.depth as keyof typeof DEPTHS]: depth } = DEPTHS;
if (depth === undefined) throw new Error(`--depth ${values.depth}: expected ${Object.keys(DEPTHS).join(', ')}`);
const tasks = tasksOf(cellsOf(depth));
const results = await runTasks(tasks, Math.max(1, Number(values.jobs) || 1), (done) => {
  if (process.stderr.isTTY === true || done % 20 === 0) process.stderr.write(`\r${done} of ${tasks.length} runs`);
});
const speed = (policy: string): string => {
  const runs = results.filter((result) => result.scenario === 'paper-ps' && result.policy === policy);
  const requests = runs.reduce((sum, { metrics }) => sum + metrics.requests, 0);
  const cpuS = runs.reduce((sum, result) => sum + result.cpuS, 0);
  return `${(requests / cpuS / 1e6).toFixed(2)} M requests per CPU second with ${policy}`;
};
const seeds = `seeds ${depth.own[0]} to ${depth.own.at(-1)} for \`oracle\` and \`qedge\`, ${depth.topologies[0]} to ${depth.topologies.at(-1)} for the rest, ${depth.others[0]} to ${depth.others.at(-1)} for other policies where something happens`;
const text = `${tablesOf(new Results(results))}\n\nRuns: ${results.length}; ${seeds}. Simulated at ${speed('round-robin')}, ${speed('qedge')}.`;
process.stderr.write('\n');
process.stdout.write(`${text}\n`);
if (values.write) writeFileSync(README, withSection(readFileSync(README, 'utf8'), text));

function withSection(readme: string, section: string): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`README.md has no ${BEGIN} … ${END}`);
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${section}\n\n${readme.slice(end)}`;
}
