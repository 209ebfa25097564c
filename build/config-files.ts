// Writes what src/config/schema says into config/: the commented reference, the JSON Schema and the table of the README there.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonSchema, referenceMarkdown, referenceToml } from '../src/config/reference.ts';
import { ROOT } from './paths.ts';

/** Where the table stands in config/README.md. */
const TABLE = /(?<=<!-- reference: made by npm run config -->\n)[\s\S]*(?=<!-- end of reference -->)/;

/** Each file under config/ with the text that it has to hold. */
export function configFiles(): ReadonlyMap<string, string> {
  const readme = readFileSync(join(ROOT, 'config/README.md'), 'utf8');
  return new Map([
    ['qedge.toml', referenceToml()],
    ['qedge.schema.json', `${JSON.stringify(jsonSchema(), null, 2)}\n`],
    ['README.md', readme.replace(TABLE, () => `\n${referenceMarkdown()}\n`)],
  ]);
}

if (import.meta.main) for (const [name, text] of configFiles()) writeFileSync(join(ROOT, 'config', name), text);
