// Plain values → TOML that reads as the same values: keys first, then a section for each table and each list of tables; what is deeper
// stands on one line.

import type { TomlTable } from '../config/toml.ts';

/** Strings, finite numbers, booleans, and lists and tables of them; undefined is left out. @throws TypeError for anything else */
export function writeToml(root: Readonly<TomlTable>): string {
  const entries = Object.entries(root).filter(([, value]) => value !== undefined);
  const head = entries.filter(([, value]) => !isTable(value) && !isTables(value)).map(line);
  const sections = entries.flatMap(([key, value]) => {
    if (isTable(value)) return [[`[${keyText(key)}]`, ...Object.entries(value).map(line)]];
    if (!isTables(value)) return [];
    return value.map((table) => [`[[${keyText(key)}]]`, ...Object.entries(table).map(line)]);
  });
  return [head, ...sections].map((lines) => `${lines.join('\n')}\n`).join('\n');
}

function line([key, value]: [string, unknown]): string {
  return `${keyText(key)} = ${inline(value)}`;
}

function inline(value: unknown): string {
  if (Array.isArray(value)) {
    // A matrix is read row by row.
    if (value.some(Array.isArray)) return `[\n${value.map((row) => `  ${inline(row)},`).join('\n')}\n]`;
    return `[${value.map(inline).join(', ')}]`;
  }
  if (isTable(value)) return `{ ${Object.entries(value).map(line).join(', ')} }`;
  if (typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return JSON.stringify(value);
  throw new TypeError(`no value of TOML: ${String(value)}`);
}

const keyText = (key: string): string => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key));

function isTable(value: unknown): value is TomlTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTables(value: unknown): value is TomlTable[] {
  return Array.isArray(value) && value.length > 0 && value.every(isTable);
}
