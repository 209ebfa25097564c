// The schema, one step a version. A step that has shipped never changes; another one is added.

import type Database from 'better-sqlite3';

export type Migration = (database: Database.Database) => void;

/** Index i leads from schema version i to i + 1. */
export const MIGRATIONS: readonly Migration[] = [createTables];

/**
 * `saved`      when the state was kept: one row.
 * `service`    what a router learned besides its instances: fingerprint, RTTs, clients, the policy's own numbers.
 * `learned`    one row a (service, instance): its window of latencies, weight, cooldown.
 * `placement`  one row a node and a placed instance.
 * `migration`  which steps were taken, and when.
 */
function createTables(database: Database.Database): void {
  database.exec(`
    CREATE TABLE saved (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      boot_id TEXT, uptime_ms REAL NOT NULL, wall_ms REAL NOT NULL
    );
    CREATE TABLE service (name TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE learned (
      service TEXT NOT NULL, instance TEXT NOT NULL, data TEXT NOT NULL,
      PRIMARY KEY (service, instance)
    ) WITHOUT ROWID;
    CREATE TABLE placement (id TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE migration (version INTEGER PRIMARY KEY, applied_wall_ms REAL NOT NULL);
  `);
}
