// A list of instances as people and programs write it (`[placement.file]`): `[[instance]]` tables in TOML, or the same in JSON.
// One mistake voids the whole list, since a file that is half written has mistakes as well.

import { DepthError, parseBoundedJson } from '../core/bounded-json.ts';
import type { Problem } from '../errors.ts';
import { type PlacedInstance, placedInstance } from './schema/placement/instance.ts';
import { suggest } from './suggest.ts';
import { parseToml, type TomlDocument, type TomlTable } from './toml.ts';
import { decodeUtf8 } from './utf8.ts';
import { problemAt, validate, valueAt } from './validate.ts';

/** What a list says, or everything that is wrong with it. */
export interface InstanceList {
  readonly instances: readonly PlacedInstance[];
  readonly problems: readonly Problem[];
}

/** Largest list that is read, by the ending of its file. A place is kept for each value of TOML, which takes its time. */
export const LIST_BYTES_MAX = { '.toml': 64 * 1024, '.json': 1024 * 1024 } as const;

/** Ending of a file's name. */
export type ListFormat = keyof typeof LIST_BYTES_MAX;

/** What a file says. `file`: as problems name it. */
export function readInstanceList(file: string, format: ListFormat, bytes: Uint8Array): InstanceList {
  const bytesMax = LIST_BYTES_MAX[format];
  const nothing = (message: string): InstanceList => ({ instances: [], problems: [ofFile(file, message)] });
  if (bytes.length > bytesMax) return nothing(`more than ${bytesMax} bytes${format === '.toml' ? ': use JSON' : ''}`);
  if (bytes.length === 0)
    return nothing(`empty: ${format === '.toml' ? 'instance = []' : '[]'} says that there is none`);
  try {
    const text = decodeUtf8(bytes);
    return format === '.toml' ? readToml(file, text) : readEntries(jsonDocument(file, parseBoundedJson(text)));
  } catch (error) {
    if (error instanceof DepthError) return nothing(error.message);
    if (error instanceof SyntaxError) return nothing(`not valid JSON: ${error.message}`);
    if (error instanceof TypeError) return nothing('not valid UTF-8');
    throw error;
  }
}

function readToml(file: string, text: string): InstanceList {
  const { document, problems } = parseToml(file, text, (value) => ({ value }));
  return document === null ? { instances: [], problems } : readEntries(document);
}

const ENTRIES = 'instance';

function readEntries(document: TomlDocument): InstanceList {
  const problems: Problem[] = [];
  for (const key of Object.keys(document.root)) {
    if (key === ENTRIES) continue;
    const hint = suggest(key, [ENTRIES]) === null ? '' : `, did you mean "${ENTRIES}"?`;
    problems.push(problemAt(document, [key], `unknown key "${key}"${hint}`));
  }
  const entries = valueAt(document.root, [ENTRIES]);
  if (!Array.isArray(entries)) problems.push(ofFile(document.file, `expected [[${ENTRIES}]], a list of tables`));
  const instances = (Array.isArray(entries) ? entries : []).flatMap((_, i) => {
    const found: Problem[] = [];
    const value = validate({ document, problems: found }, placedInstance, [ENTRIES, i]);
    problems.push(...found.map((one) => ({ ...one, path: one.path.replace(ENTRIES, `${ENTRIES}[${i}]`) })));
    return value ?? [];
  });
  return { instances: problems.length === 0 ? instances : [], problems };
}

/** JSON as a document without places; a bare list is the list of instances. */
function jsonDocument(file: string, value: unknown): TomlDocument {
  const isTable = typeof value === 'object' && value !== null && !Array.isArray(value);
  const root: TomlTable = isTable ? (value as TomlTable) : { [ENTRIES]: value };
  return {
    file,
    root,
    placeOf: (path) => {
      const found = valueAt(root, path);
      return found === undefined ? null : { line: 0, column: 0, source: JSON.stringify(found) };
    },
  };
}

const ofFile = (file: string, message: string): Problem => ({ file, line: 0, column: 0, path: '', message });
