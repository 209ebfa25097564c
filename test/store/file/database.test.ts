// The schema over updates and roll-backs: each binary finds a file of its own version.

import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  fileOfVersion,
  moveAside,
  type OpenedDatabase,
  openDatabase,
  StoreInUseError,
} from '../../../src/store/file/database.ts';
import { MIGRATIONS, type Migration } from '../../../src/store/file/migrations.ts';

let directory = '';
let path = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'qedge-database-'));
  path = join(directory, 'qedge.db');
});
afterEach(() => rmSync(directory, { recursive: true }));

const OLD = MIGRATIONS;
const NEW: readonly Migration[] = [
  ...MIGRATIONS,
  (database) => database.exec('ALTER TABLE service ADD COLUMN extra TEXT'),
];

const open = (migrations: readonly Migration[]): OpenedDatabase<null> =>
  openDatabase({ path, nativeBinding: undefined, wallMs: 0, lockWaitMs: 0, migrations }, () => null);

function put(migrations: readonly Migration[], name: string): void {
  const { database } = open(migrations);
  database.prepare("INSERT INTO service (name, data) VALUES (?, '{}')").run(name);
  database.close();
}

function names(migrations: readonly Migration[]): unknown[] {
  const { database } = open(migrations);
  const found = database.prepare('SELECT name FROM service ORDER BY name').pluck().all();
  database.close();
  return found;
}

describe('an update to a newer schema', () => {
  it('begins from a migrated copy of what the older binary kept', () => {
    put(OLD, 'a');
    expect(names(NEW)).toEqual(['a']);
    expect(readdirSync(directory).sort()).toEqual(['qedge.db', 'qedge.v2.db']);
  });

  it('takes along what the older binary had only in its WAL', () => {
    const older = open(OLD);
    older.database.prepare("INSERT INTO service (name, data) VALUES ('wal', '{}')").run();
    older.database.close();
    expect(names(NEW)).toEqual(['wal']);
  });

  it('leaves the older binary its own file for a roll-back', () => {
    put(OLD, 'a');
    put(NEW, 'b');
    expect(names(OLD)).toEqual(['a']);
    expect(names(NEW)).toEqual(['a', 'b']);
  });

  it('notes each step', () => {
    put(OLD, 'a');
    const { database } = open(NEW);
    expect(database.prepare('SELECT version FROM migration ORDER BY version').pluck().all()).toEqual([1, 2]);
    expect(database.pragma('user_version', { simple: true })).toBe(2);
    database.close();
  });

  it('waits for an older binary that still runs', () => {
    const older = open(OLD);
    expect(() => open(NEW)).toThrow(StoreInUseError);
    older.database.close();
    expect(existsSync(fileOfVersion(path, 2))).toBe(false);
  });

  it('begins again when the older file cannot be brought over, and leaves that to the older binary', () => {
    put(OLD, 'a');
    const broken: readonly Migration[] = [...OLD, (database) => failOnRows(database)];
    const { database, unusable } = open(broken);
    expect(unusable).toEqual({ reason: 'no such table: absent', movedTo: null });
    expect(database.prepare('SELECT count(*) FROM service').pluck().get()).toBe(0);
    database.close();
    expect(names(OLD)).toEqual(['a']);
    expect(readdirSync(directory).sort()).toEqual(['qedge.db', 'qedge.v2.db']);
  });
});

/** A step with a bug that only shows where there is something to bring over. */
function failOnRows(database: Parameters<Migration>[0]): void {
  const rows = database.prepare('SELECT count(*) FROM service').pluck().get() as number;
  if (rows > 0) database.exec('ALTER TABLE absent ADD COLUMN x');
}

describe('a file that is moved aside', () => {
  it('stays, though the clock says that those before it are newer', () => {
    const asideAt = (wallMs: number): string => {
      writeFileSync(path, 'not a database');
      return moveAside(path, wallMs);
    };
    const before = Array.from({ length: 5 }, (_, i) => asideAt(Date.UTC(2026, 0, 1 + i)));
    const latest = asideAt(0);
    expect(existsSync(latest)).toBe(true);
    expect(before.filter((one) => existsSync(one))).toEqual(before.slice(1));
  });
});

describe('fileOfVersion', () => {
  it('keeps the name for the first schema and numbers later ones', () => {
    expect(fileOfVersion('/s/qedge.db', 1)).toBe('/s/qedge.db');
    expect(fileOfVersion('/s/qedge.db', 3)).toBe('/s/qedge.v3.db');
    expect(fileOfVersion('/s.d/qedge', 2)).toBe('/s.d/qedge.v2');
  });
});
