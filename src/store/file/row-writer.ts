// Rows in and out of the SQLite file, as they are.

import type Database from 'better-sqlite3';
import type { RowChanges, StoredRows, TableName } from '../messages.ts';

interface TableStatements {
  readonly put: Database.Statement<unknown[]>;
  readonly remove: Database.Statement<unknown[]>;
}

const KEYS: Readonly<Record<TableName, readonly string[]>> = {
  service: ['name'],
  learned: ['service', 'instance'],
  placement: ['id'],
};

const TABLES = Object.keys(KEYS) as readonly TableName[];

export class RowWriter {
  readonly #database: Database.Database;
  readonly #tables: Readonly<Record<TableName, TableStatements>>;
  readonly #stamp: Database.Statement<[string | null, number, number]>;

  /** Throws when the tables are not those of the schema. */
  constructor(database: Database.Database) {
    this.#database = database;
    this.#tables = {
      service: statements(database, 'service'),
      learned: statements(database, 'learned'),
      placement: statements(database, 'placement'),
    };
    this.#stamp = database.prepare(
      'INSERT OR REPLACE INTO saved (one, boot_id, uptime_ms, wall_ms) VALUES (1, ?, ?, ?)',
    );
  }

  read(): StoredRows {
    const all = (sql: string): never[] => this.#database.prepare<[], never>(sql).all();
    return {
      saved: this.#database.prepare('SELECT boot_id, uptime_ms, wall_ms FROM saved').get(),
      services: all('SELECT name, data FROM service'),
      learned: all('SELECT service, instance, data FROM learned'),
      placement: all('SELECT id, data FROM placement'),
    };
  }

  /** All of it, or nothing when it throws. */
  write(changes: RowChanges): void {
    this.#database.transaction(() => this.#apply(changes))();
  }

  #apply({ tables, savedAt }: RowChanges): void {
    for (const name of TABLES) {
      const table = this.#tables[name];
      for (const key of tables[name].remove) table.remove.run(...key);
      for (const row of tables[name].put) table.put.run(...row);
    }
    this.#stamp.run(savedAt.bootId, savedAt.uptimeMs, savedAt.wallMs);
  }
}

function statements(database: Database.Database, table: TableName): TableStatements {
  const keys = KEYS[table];
  const values = [...keys, 'data'].map(() => '?').join(', ');
  const condition = keys.map((key) => `${key} = ?`).join(' AND ');
  return {
    put: database.prepare(`INSERT OR REPLACE INTO ${table} (${keys.join(', ')}, data) VALUES (${values})`),
    remove: database.prepare(`DELETE FROM ${table} WHERE ${condition}`),
  };
}
