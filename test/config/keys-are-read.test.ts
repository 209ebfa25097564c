// A key that nothing reads is a promise that nothing keeps: the type checker says where each property of `Config` is used.

import { relative, resolve } from 'node:path';
import { type Node, SyntaxKind } from 'typescript/unstable/ast';
import { API, type Project, type Symbol as TypeSymbol } from 'typescript/unstable/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

let api: API;
let project: Project;
beforeAll(() => {
  api = new API({ cwd: ROOT });
  const [opened] = api.updateSnapshot({ openProjects: [resolve(ROOT, 'tsconfig.json')] }).getProjects();
  if (opened === undefined) throw new Error('no project to check');
  project = opened;
});
afterAll(() => api.close());

/** Sections that a part takes by their shape: there a read of the same name counts. */
const TAKEN_BY_SHAPE: Readonly<Record<string, string>> = {
  ProbeConfig: 'src/probe/',
  TracesConfig: 'src/telemetry/traces/',
  ServiceConfig: 'src/placement/',
  RetryConfig: 'src/proxy/',
  ServiceLimitsConfig: 'src/proxy/',
  PolicyConfig: 'src/core/',
  HealthConfig: 'src/net/',
  LogConfig: 'src/telemetry/',
};

/** Source files of src, without src/config or with nothing but it. */
function filesOf(part: 'config' | 'rest'): readonly string[] {
  const inSrc = project.program.getSourceFileNames().filter((file) => relative(ROOT, file).startsWith('src/'));
  return inSrc.filter((file) => relative(ROOT, file).startsWith('src/config/') === (part === 'config'));
}

/** The names in `a.name` and `a?.name`, and the patterns of `{ name } = a`. */
function readPlaces(file: string): { readonly names: Node[]; readonly patterns: Node[] } {
  const names: Node[] = [];
  const patterns: Node[] = [];
  const visit = (node: Node): void => {
    const { name } = node as { readonly name?: Node };
    if (node.kind === SyntaxKind.PropertyAccessExpression && name !== undefined) names.push(name);
    if (node.kind === SyntaxKind.ObjectBindingPattern) patterns.push(node);
    node.forEachChild(visit);
  };
  const source = project.program.getSourceFile(file);
  if (source !== undefined) visit(source);
  return { names, patterns };
}

/** Ids of every property that is read outside of src/config. */
function readProperties(): ReadonlySet<number> {
  const places = filesOf('rest').map(readPlaces);
  const names = places.flatMap((place) => place.names);
  const read = new Set(project.checker.getSymbolAtLocation(names).flatMap((symbol) => symbol?.id ?? []));
  const patterns = places.flatMap((place) => place.patterns);
  const types = project.checker.getTypeAtLocation(patterns);
  for (const [i, pattern] of patterns.entries()) {
    const type = types[i];
    if (type === undefined) continue;
    for (const name of elementNames(pattern)) {
      const property = project.checker.getPropertyOfType(type, name);
      if (property !== undefined) read.add(property.id);
    }
  }
  return read;
}

/** `path`: `Type.property`. */
function isReadByShape(path: string): boolean {
  const [type = '', property = ''] = path.split('.');
  const folder = TAKEN_BY_SHAPE[type];
  if (folder === undefined) return false;
  const files = filesOf('rest').filter((file) => relative(ROOT, file).startsWith(folder));
  const names = files.flatMap((file) => readPlaces(file).names as Named[]);
  const elements = files.flatMap((file) => readPlaces(file).patterns.flatMap(elementNames));
  return [...names.map(({ text }) => text), ...elements].includes(property);
}

function elementNames(pattern: Node): string[] {
  const names: string[] = [];
  pattern.forEachChild((element) => {
    const { propertyName, name } = element as { readonly propertyName?: Named; readonly name?: Named };
    names.push((propertyName ?? name)?.text ?? '');
  });
  return names;
}

type Named = Node & { readonly text?: string };

/** Properties of the types that `config.ts` exports, by `Type.property`. */
function propertiesOfConfig(): ReadonlyMap<string, TypeSymbol> {
  const source = project.program.getSourceFile(resolve(ROOT, 'src/config/config.ts'));
  const properties = new Map<string, TypeSymbol>();
  source?.forEachChild((node) => {
    const { name } = node as { readonly name?: Node & { readonly text: string } };
    const isType = node.kind === SyntaxKind.TypeAliasDeclaration || node.kind === SyntaxKind.InterfaceDeclaration;
    const symbol = isType && name !== undefined ? project.checker.getSymbolAtLocation(name) : undefined;
    if (name === undefined || symbol === undefined) return;
    const type = project.checker.getDeclaredTypeOfSymbol(symbol);
    for (const property of project.checker.getPropertiesOfType(type))
      properties.set(`${name.text}.${property.name}`, property);
  });
  return properties;
}

describe('a key of the configuration', () => {
  it('is read by something outside of src/config', () => {
    const read = readProperties();
    const properties = propertiesOfConfig();
    const unread = [...properties]
      .filter(([path, { id }]) => !read.has(id) && !isReadByShape(path))
      .map(([path]) => path);
    expect(unread).toEqual([]);
  });
});
