// Text → the man(7) macros, as groff and mandoc both read them.

import { wrapWords } from '../../../src/terminal/wrap.ts';

/** A page's first line. `date`: ISO 8601; `section`: 1 for commands, 5 for files. */
export function titleLine(page: { readonly name: string; readonly section: 1 | 5 }, build: Build): string {
  return `.TH ${page.name.toUpperCase()} ${page.section} ${build.date} "qedge ${build.version}"`;
}

/** What a page says of the build that it belongs to. */
export interface Build {
  readonly version: string;
  /** Of the commit, ISO 8601: 2026-11-27. */
  readonly date: string;
}

/** Prose in lines of a page's source, which say nothing of those of its print; words between backquotes become bold. */
export function prose(text: string): string {
  const marked = escaped(text).replaceAll(/`([^`]+)`/g, '\\fB$1\\fR');
  return wrapWords(marked.split(' '), { width: SOURCE_WIDTH, first: '', hanging: '' }).map(guarded).join('\n');
}

/** What mandoc(1) lints for. */
const SOURCE_WIDTH = 78;

export const bold = (text: string): string => `\\fB${escaped(text)}\\fR`;
export const italic = (text: string): string => `\\fI${escaped(text)}\\fR`;

/** A term and what it means, one hanging below the other. */
export const entry = (term: string, ...meaning: readonly string[]): string =>
  ['.TP', guarded(term), ...meaning].join('\n');

/** Lines as they stand, such as a command to type. */
export const verbatim = (text: string): string =>
  ['.EX', ...text.split('\n').map((line) => guarded(escaped(line))), '.EE'].join('\n');

/** roff's own marks: a backslash begins a request, a hyphen is no minus that can be typed, and its source is ASCII. */
const escaped = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(
      /[^\n -~]/gu,
      (character) => `\\[u${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`,
    );

/** A dot or a quote at the beginning of a line is a request as well. */
const guarded = (line: string): string => (/^[.']/.test(line) ? `\\&${line}` : line);
