// A TOML 1.0 file as plain values, each with the place where it was written, so that every later complaint can point there.

import type { AST } from 'toml-eslint-parser';
import { ParseError, parseTOML } from 'toml-eslint-parser';
import type { Problem } from '../errors.ts';

/** Keys and list positions from the top of the file down to one value. */
export type TomlPath = readonly (string | number)[];

/** 1-based; `source` is the text of the value as it was written, before any interpolation. */
export interface Place {
  readonly line: number;
  readonly column: number;
  readonly source: string;
}

/** A table of the file: strings, numbers, booleans, lists and tables by key. */
export type TomlTable = { [key: string]: unknown };

/** A parsed file: its values, and the place of each. */
export interface TomlDocument {
  /** As it is named in problems. */
  readonly file: string;
  readonly root: TomlTable;
  /** Where a value was written; null for one that was not. */
  placeOf(path: TomlPath): Place | null;
}

/** Replaces one string by what it stands for, or says why it cannot. */
export type Interpolate = (text: string) => { readonly value: string } | { readonly error: string };

/** Parses a whole file. A syntax error yields no document and one problem: what comes after it cannot be trusted. */
export function parseToml(
  file: string,
  text: string,
  interpolate: Interpolate,
): { readonly document: TomlDocument | null; readonly problems: readonly Problem[] } {
  try {
    const walk = new Walk(file, text, interpolate);
    walk.topLevel(parseTOML(text, { tomlVersion: '1.0' }).body[0]);
    const places = walk.places;
    const document = { file, root: walk.root, placeOf: (path: TomlPath) => places.get(keyOf(path)) ?? null };
    return { document, problems: walk.problems };
  } catch (error) {
    // The depth below, or the stack: the parser recurses before anything can be counted.
    if (error instanceof RangeError) {
      const message = `nested deeper than ${DEPTH_MAX} levels`;
      return { document: null, problems: [{ file, line: 0, column: 0, path: '', message }] };
    }
    if (!(error instanceof ParseError)) throw error;
    return { document: null, problems: [syntaxProblem(file, text, error)] };
  }
}

/** The deepest key of ours is at 5; what walks a document recurses. */
const DEPTH_MAX = 32;

/** Before the path of each level is written down, which costs its square. */
function checkDepth(path: TomlPath): void {
  if (path.length > DEPTH_MAX) throw new RangeError();
}

const keyOf = (path: TomlPath): string => JSON.stringify(path);

/** What the parser says of mistakes that people make often → plainer words. */
const PLAIN_WORDS: ReadonlyMap<string, string> = new Map([['Unspecified values are invalid', 'key without a value']]);

function syntaxProblem(file: string, text: string, error: ParseError): Problem {
  const { lineNumber: line, column } = error;
  const message =
    error.message === DEFINED_TWICE
      ? `key "${wordAt(text, line, column)}" defined twice`
      : (PLAIN_WORDS.get(error.message) ?? `not valid TOML: ${lowerFirst(error.message)}`);
  // The parser looks for the value on the next line; the person left it out at the end of this one.
  const before = column === 0 && message === 'key without a value' ? text.split('\n')[line - 2] : undefined;
  if (before === undefined) return { file, line, column: column + 1, path: '', message };
  return { file, line: line - 1, column: before.trimEnd().length + 1, path: '', message };
}

const DEFINED_TWICE = 'Defining a key multiple times is invalid';

/** The key that is written there, without its quotes. */
function wordAt(text: string, line: number, column: number): string {
  const [word = ''] = /^(?:"[^"]*"|'[^']*'|[\w-]*)/.exec((text.split('\n')[line - 1] ?? '').slice(column)) ?? [];
  return word.replaceAll(/["']/g, '');
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** Tables have no prototype, so that a key such as `__proto__` is a key like any other. */
const newTable = (): TomlTable => Object.create(null);

class Walk {
  readonly root: TomlTable = newTable();
  readonly places = new Map<string, Place>();
  readonly problems: Problem[] = [];
  readonly #file: string;
  readonly #text: string;
  readonly #interpolate: Interpolate;

  constructor(file: string, text: string, interpolate: Interpolate) {
    this.#file = file;
    this.#text = text;
    this.#interpolate = interpolate;
  }

  topLevel(body: AST.TOMLTopLevelTable): void {
    for (const node of body.body) {
      if (node.type === 'TOMLKeyValue') this.#keyValue(this.root, [], node);
      else this.#table(node);
    }
  }

  #table(node: AST.TOMLTable): void {
    let parent: unknown = this.root;
    const keys = node.resolvedKey;
    checkDepth(keys);
    const path: (string | number)[] = [];
    for (const [i, key] of keys.entries()) {
      path.push(key);
      const next = (parent as TomlTable)[key];
      if (next === undefined) {
        (parent as TomlTable)[key] = typeof keys[i + 1] === 'number' ? [] : newTable();
        this.#place(path, node, node);
      }
      parent = (parent as TomlTable)[key];
    }
    for (const entry of node.body) this.#keyValue(parent as TomlTable, path, entry);
  }

  #keyValue(parent: TomlTable, parentPath: TomlPath, node: AST.TOMLKeyValue): void {
    const keys = node.key.keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value));
    const last = keys.pop() ?? '';
    checkDepth([...parentPath, ...keys]);
    const path = [...parentPath];
    let table = parent;
    for (const key of keys) {
      path.push(key);
      if (table[key] === undefined) {
        table[key] = newTable();
        this.#place(path, node, node.value);
      }
      table = table[key] as TomlTable;
    }
    path.push(last);
    this.#place(path, node, node.value);
    table[last] = this.#value(path, node.value);
  }

  #value(path: TomlPath, node: AST.TOMLContentNode): unknown {
    checkDepth(path);
    switch (node.type) {
      case 'TOMLArray':
        return node.elements.map((element, i) => {
          this.#place([...path, i], element, element);
          return this.#value([...path, i], element);
        });
      case 'TOMLInlineTable': {
        const table = newTable();
        for (const entry of node.body) this.#keyValue(table, path, entry);
        return table;
      }
      case 'TOMLValue':
        return node.kind === 'string' ? this.#string(path, node) : node.value;
    }
  }

  #string(path: TomlPath, node: AST.TOMLStringValue): string {
    const result = this.#interpolate(node.value);
    if ('value' in result) return result.value;
    const place = this.places.get(keyOf(path)) ?? { line: 0, column: 0 };
    const { line, column } = place;
    this.problems.push({ file: this.#file, line, column, path: pathText(path), message: result.error });
    return node.value;
  }

  #place(path: TomlPath, at: AST.TOMLNode, valueNode: AST.TOMLNode): void {
    const { line, column } = at.loc.start;
    this.places.set(keyOf(path), { line, column: column + 1, source: this.#text.slice(...valueNode.range) });
  }
}

/** `service.qos.latency`: list positions are left out, the line says which. */
export function pathText(path: TomlPath): string {
  return path.filter((part) => typeof part === 'string').join('.');
}
