// The documentation stands in the rooms that it describes; its links lead somewhere.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config/load.ts';
import { SESSION_COOKIE } from '../src/config/session-cookie.ts';

const ROOT = resolve(import.meta.dirname, '..');

/** Files of the project with this ending, what was installed or built left out. */
function filesEnding(ending: string): readonly string[] {
  const left = ['*/node_modules/*', './.cache/*', './dist/*'].flatMap((path) => ['-not', '-path', path]);
  const found = execFileSync('find', ['.', '-name', `*${ending}`, ...left], { cwd: ROOT, encoding: 'utf8' });
  return found
    .trim()
    .split('\n')
    .map((path) => path.replace('./', ''));
}

const PAGES = filesEnding('.md');

const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/** Of a page without its code. */
const prose = (page: string): string => read(page).replaceAll(/^```[\s\S]*?^```/gm, '');

/** As GitHub makes them: lower case, punctuation gone, spaces as hyphens. */
function anchorsOf(page: string): ReadonlySet<string> {
  const titles = [...prose(page).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title.replaceAll('`', ''));
  return new Set(
    titles.map((title) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function deadLinks(page: string): string[] {
  const links = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return links.filter((link) => {
    if (/^(?:https?|mailto):/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : join(dirname(page), path);
    if (!existsSync(join(ROOT, target))) return true;
    return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).has(anchor);
  });
}

/** The file of the policy that CONTRIBUTING shows how to add. */
const TO_BE_WRITTEN = 'src/core/policies/my-policy.ts';

/** What a block that shows one section leaves out. */
const REST_OF_A_FILE = `
[mqtt]
url = "mqtt://broker.local"
[[service]]
name = "pilotnet"
qos.latency = "80ms"
`;

function sourcesOf(folder: string): string {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => read(join(folder, name)))
    .join();
}

describe('the documentation', () => {
  it.each(PAGES)('%s has no dead link', (page) => {
    expect(deadLinks(page)).toEqual([]);
  });

  it('names source files that there are', () => {
    const known = [...filesEnding('.ts'), ...filesEnding('.tsx')].map((file) => `/${file}`);
    const named = PAGES.flatMap((page) =>
      [...read(page).matchAll(/(?<![\w./*-])(?:[\w-]+\/)*[\w-]+\.tsx?\b/g)].map(([file]) => file),
    );
    expect(named.length).toBeGreaterThan(100);
    expect(named.filter((file) => !known.some((one) => one.endsWith(`/${file}`)))).toEqual([TO_BE_WRITTEN]);
  });

  it('has a map of every part of the source and of its rooms', () => {
    const map = read('src/README.md');
    const folders = (path: string): readonly string[] =>
      readdirSync(join(ROOT, path), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name);
    const rooms = folders('src').flatMap((part) => [part, ...folders(`src/${part}`)]);
    expect(rooms.length).toBeGreaterThan(50);
    expect(rooms.filter((room) => !map.includes(`${room}/`))).toEqual([]);
  });

  it('begins with a page that a newcomer reads in five minutes', () => {
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(250);
  });

  it('names every metric, and no other', () => {
    const names = (text: string, pattern: RegExp): string[] => [
      ...new Set([...text.matchAll(pattern)].map(([, name = '']) => name)),
    ];
    const sources = sourcesOf('src');
    const registered = names(sources, /'(qedge_\w+)'/g).filter((name) => name !== SESSION_COOKIE);
    expect(names(read('src/admin/README.md'), /`(qedge_\w+)`/g).sort()).toEqual(registered.sort());
  });

  it('quotes words of the log and of events that there are', () => {
    const quoted = [
      ...read('src/admin/README.md').matchAll(/(?:log lines?|events full of) `([^`]+)`(?: \([^)]*\) and `([^`]+)`)?/g),
    ]
      .flatMap(([, first, second]) => [first, second])
      .filter((words) => words !== undefined);
    expect(quoted.length).toBeGreaterThan(3);
    const sources = sourcesOf('src');
    expect(quoted.filter((words) => !sources.includes(words))).toEqual([]);
  });

  it('shows configuration that qedge takes', () => {
    const directory = mkdtempSync(join(tmpdir(), 'qedge-docs-'));
    const file = join(directory, 'qedge.toml');
    const shown = PAGES.flatMap((page) =>
      [...read(page).matchAll(/^```toml\n([\s\S]*?)^```/gm)].map(([, text = '']) => text),
    );
    expect(shown.length).toBeGreaterThan(5);
    for (const text of shown) {
      const rest = text.includes('[[service]]') ? '' : REST_OF_A_FILE;
      writeFileSync(file, text + rest);
      expect(() => loadConfig(file, { env: {} }), text).not.toThrow();
    }
    rmSync(directory, { recursive: true });
  });
});
