// The sources of qedge as the compiler reads them: what each file imports, how long it is, what its functions take.

import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { type Node, SyntaxKind } from 'typescript/unstable/ast';
import { API } from 'typescript/unstable/sync';

const ROOT = resolve(import.meta.dirname, '../..');
const PROJECTS = ['tsconfig.json', 'src/admin/dashboard/tsconfig.json'].map((file) => resolve(ROOT, file));

export interface SourceImport {
  /** Path from src, or the name of a package. */
  readonly target: string;
  /** What is taken, by its name there. */
  readonly names: readonly string[];
  readonly kind: 'value' | 'type' | 'dynamic';
}

export interface SourceFunction {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
  /** Beside `nowMs`: what happens at a time takes the time. */
  readonly parameters: number;
}

export interface SourceExport {
  readonly name: string;
  /** A docstring stands before it. */
  readonly documented: boolean;
}

export interface SourceFile {
  /** Path from src. */
  readonly file: string;
  readonly lines: number;
  /** The comment before the first import. */
  readonly header: string;
  readonly imports: readonly SourceImport[];
  readonly exports: readonly SourceExport[];
  readonly functions: readonly SourceFunction[];
}

/** Every file of src, the dashboard included. Takes some seconds. */
export function readSources(): readonly SourceFile[] {
  const api = new API({ cwd: ROOT });
  try {
    const projects = api.updateSnapshot({ openProjects: PROJECTS }).getProjects();
    const found = new Map<string, SourceFile>();
    for (const { program } of projects)
      for (const path of program.getSourceFileNames()) {
        const file = relative(resolve(ROOT, 'src'), path);
        if (file.startsWith('..') || file.endsWith('.d.ts') || found.has(file)) continue;
        const source = program.getSourceFile(path);
        if (source !== undefined) found.set(file, readSource(file, source));
      }
    return [...found.values()];
  } finally {
    api.close();
  }
}

function readSource(file: string, source: Node): SourceFile {
  const text = readFileSync(resolve(ROOT, 'src', file), 'utf8');
  const imports: SourceImport[] = [];
  const exports: SourceExport[] = [];
  const functions: SourceFunction[] = [];
  const lineOf = (position: number): number => text.slice(0, position).split('\n').length;
  const visit = (node: Node): void => {
    const found = importOf(node, file);
    if (found !== null) imports.push(found);
    exports.push(...exportsOf(node, text));
    const { parameters, body } = node as FunctionLike;
    if (parameters !== undefined && body !== undefined) {
      const start = text.length - text.slice(node.pos).trimStart().length;
      functions.push({
        name: nameOf(node),
        line: lineOf(start),
        lines: lineOf(node.end) - lineOf(start) + 1,
        parameters: parameters.filter(({ name }) => name?.text !== 'this' && name?.text !== 'nowMs').length,
      });
    }
    node.forEachChild(visit);
  };
  visit(source);
  const header = text.slice(0, Math.max(0, text.search(/^(?:import|export) /m)));
  return { file, lines: text.split('\n').length - 1, header, imports, exports, functions };
}

/** The names that a declaration exports. */
function exportsOf(node: Node, text: string): SourceExport[] {
  const { modifiers, name, declarationList } = node as Declaration;
  if (modifiers?.some(({ kind }) => kind === SyntaxKind.ExportKeyword) !== true) return [];
  const before = /^(?:\s|\/\/.*\n|\/\*[\s\S]*?\*\/)*/.exec(text.slice(node.pos))?.[0] ?? '';
  const documented = /\/\*\*(?:(?!\/\*)[\s\S])*\*\/$/.test(before.trimEnd());
  const declared = declarationList?.declarations.map((one) => one.name) ?? [name];
  return declared.flatMap((one) => (one?.text === undefined ? [] : [{ name: one.text, documented }]));
}

interface Declaration {
  readonly modifiers?: readonly Node[];
  readonly name?: Named;
  readonly declarationList?: { readonly declarations: readonly { readonly name?: Named }[] };
}

type Named = Node & { readonly text?: string };
interface FunctionLike {
  readonly parameters?: readonly (Node & { readonly name?: Named })[];
  readonly body?: Node;
}

function nameOf(node: Node): string {
  const { name } = node as { readonly name?: Named };
  const { name: holder } = node.parent as { readonly name?: Named };
  return name?.text ?? holder?.text ?? 'anonymous';
}

function importOf(node: Node, file: string): SourceImport | null {
  const { moduleSpecifier, importClause, isTypeOnly } = node as ImportLike;
  if (node.kind === SyntaxKind.ImportDeclaration || node.kind === SyntaxKind.ExportDeclaration) {
    if (moduleSpecifier?.text === undefined) return null;
    const onlyTypes = isTypeOnly === true || importClause?.phaseModifier === SyntaxKind.TypeKeyword;
    const { elements = [] } = importClause?.namedBindings ?? {};
    const names = elements.map(({ propertyName, name }) => (propertyName ?? name).text ?? '');
    return { target: targetOf(moduleSpecifier.text, file), names, kind: onlyTypes ? 'type' : 'value' };
  }
  if (node.kind === SyntaxKind.ImportType) {
    const { argument } = node as unknown as { readonly argument: { readonly literal?: Named } };
    return { target: targetOf(argument.literal?.text ?? '', file), names: [], kind: 'type' };
  }
  const { expression, arguments: args } = node as { readonly expression?: Node; readonly arguments?: readonly Named[] };
  if (node.kind !== SyntaxKind.CallExpression || expression?.kind !== SyntaxKind.ImportKeyword) return null;
  return { target: targetOf(args?.[0]?.text ?? '', file), names: [], kind: 'dynamic' };
}

interface ImportLike {
  readonly moduleSpecifier?: Named;
  readonly importClause?: {
    readonly phaseModifier?: SyntaxKind;
    readonly namedBindings?: { readonly elements?: readonly { readonly name: Named; readonly propertyName?: Named }[] };
  };
  readonly isTypeOnly?: boolean;
}

function targetOf(specifier: string, file: string): string {
  if (!specifier.startsWith('.')) return specifier;
  return relative(resolve(ROOT, 'src'), resolve(ROOT, 'src', file, '..', specifier));
}
