// The tables of generated worlds.

import { markdownTable, percent } from '../routing/figures.ts';
import {
  bestSimple,
  type Compared,
  fallenGoodputRatio,
  figureIn,
  goodputRatio,
  mean,
  recoveryS,
  satisfied,
  steady,
} from './comparison.ts';
import { worldFloorsOf } from './floors.ts';
import { KINDS, type KindName } from './kinds.ts';

export interface TablesOptions {
  readonly policies: readonly string[];
  /** The policy that the floors are about. */
  readonly subject: string;
}

export function worldTables(worlds: readonly Compared[], options: TablesOptions): string {
  return [
    floorsTable(worlds, options),
    kindsTable(worlds, options),
    drawnTable('mixed', worlds, options),
    drawnTable('moving', worlds, options),
    overloadTable(worlds, options),
  ]
    .filter((table) => table !== '')
    .join('\n\n');
}

function floorsTable(worlds: readonly Compared[], { subject }: TablesOptions): string {
  const rows = worldFloorsOf(worlds, subject).map(({ what, floor, reached, holds, worst }) => [
    what,
    floor,
    holds ? reached : `**${reached}, falls short**`,
    worst,
  ]);
  return `**What \`${subject}\` has to reach in worlds that it was not tuned on:**\n\n${markdownTable(['', 'to reach', 'reached', 'worst world'], rows)}`;
}

function kindsTable(worlds: readonly Compared[], { policies }: TablesOptions): string {
  const kinds = (Object.keys(KINDS) as KindName[]).filter((kind) => worlds.some((world) => world.kind === kind));
  const rows = kinds.map((kind) => {
    const those = worlds.filter((world) => world.kind === kind);
    return [`${KINDS[kind].what} (\`${kind}\`, ${those.length})`, ...cells(those, policies)];
  });
  const header = ['kind of world, how many', ...policies.map((policy) => `\`${policy}\``)];
  return `**Kinds of worlds**, clients satisfied / steady success, mean (success in the worst world), %:\n\n${markdownTable(header, rows)}`;
}

const TIGHTNESS = [0, 0.75, 0.9, 1, 1.15, Number.POSITIVE_INFINITY];

/** The worlds of a generator by what was drawn. */
function drawnTable(name: 'mixed' | 'moving', worlds: readonly Compared[], { policies }: TablesOptions): string {
  const drawn = worlds.filter(({ kind }) => kind === name);
  if (drawn.length === 0) return '';
  const bands = TIGHTNESS.slice(1).map((high, n) => {
    const low = TIGHTNESS[n] as number;
    const those = drawn.filter(({ world }) => world.tightness >= low && world.tightness < high);
    return {
      label: `load ÷ capacity ${low === 0 ? '' : `${low} `}…${high === Number.POSITIVE_INFINITY ? '' : ` ${high}`}`,
      those,
    };
  });
  const traits = [...new Set(drawn.flatMap(({ world }) => world.traits))].sort();
  const byTrait = traits.map((trait) => ({
    label: trait,
    those: drawn.filter(({ world }) => world.traits.includes(trait)),
  }));
  const rows = [...bands, ...byTrait]
    .filter(({ those }) => those.length > 0)
    .map(({ label, those }) => [`${label} (${those.length})`, ...cells(those, policies)]);
  const header = ['worlds with, how many', ...policies.map((policy) => `\`${policy}\``)];
  return `**${KINDS[name].what} (\`${name}\`), by what was drawn**, clients satisfied / steady success, mean (success in the worst world), %:\n\n${markdownTable(header, rows)}`;
}

function cells(worlds: readonly Compared[], policies: readonly string[]): string[] {
  return policies.map((policy) => {
    const success = worlds.map((world) => figureIn(world, policy, steady));
    const all = mean(worlds.map((world) => figureIn(world, policy, satisfied)));
    return `${percent(all)} / ${percent(mean(success))} (${percent(Math.min(...success))})`;
  });
}

function overloadTable(worlds: readonly Compared[], { policies }: TablesOptions): string {
  const overloaded = worlds.filter(({ kind }) => kind === 'overload' || kind === 'capacity-falls');
  if (overloaded.length === 0) return '';
  const rows = overloaded.map((world) => [
    `\`${world.world.name}\` ${world.world.traits.join(', ')}`,
    ...policies.map((policy) => {
      const shed = percent(figureIn(world, policy, (metrics) => metrics.shedRatio));
      if (world.kind === 'overload') return `${percent(goodputRatio(world, policy))}, ${shed}`;
      const recovery = recoveryS(world, policy);
      const back = recovery === Number.POSITIVE_INFINITY ? 'never' : `${recovery.toFixed(0)} s`;
      return `${percent(fallenGoodputRatio(world, policy))}, ${shed}, ${back}`;
    }),
  ]);
  const header = ['world', ...policies.map((policy) => `\`${policy}\``)];
  return `**Overload**: goodput ÷ capacity while it lasts, share of all requests refused (%), and seconds until success is back:\n\n${markdownTable(header, rows)}`;
}

/** A line for each world, to tune by. */
export function eachWorld(worlds: readonly Compared[], { policies, subject }: TablesOptions): string {
  const rows = worlds.map((world) => {
    const simple = bestSimple(world);
    const { name, traits, tightness, demandRate, capacityRate } = world.world;
    return [
      name,
      traits.join(', '),
      tightness.toFixed(2),
      `${demandRate.toFixed(0)} of ${capacityRate.toFixed(0)}`,
      ...policies.map(
        (policy) => `${percent(figureIn(world, policy, satisfied))} / ${percent(figureIn(world, policy, steady))}`,
      ),
      `${((figureIn(world, subject, steady) - simple.success) * 100).toFixed(1)} (${simple.policy})`,
    ];
  });
  return markdownTable(['world', 'drawn', 'tightness', 'requests/s', ...policies, 'ahead of simple'], rows);
}
