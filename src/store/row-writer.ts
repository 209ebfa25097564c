// Writes a state as the difference to what was written before: one transaction, and none at all when nothing changed.

import type Database from 'better-sqlite3';
import type { BootClock, SavedAt } from './boot-clock.ts';
import { isSameFact, joinPlacement, joinSnapshot, type PlacementRow, placementRows, splitSnapshot } from './rows.ts';
import type { StoreState } from './state.ts';

/** A table of which the writer knows what is in it. */
interface Tracked<Row> {
  readonly known: Map<string, Row>;
  readonly put: (id: string, row: Row) => void;
  readonly remove: (id: string) => void;
}

/** What is to be written to one table, worked out before anything is. */
interface Change {
  readonly rows: number;
  apply(): void;
  /** After the commit. */
  remember(): void;
}

export interface SavedState extends StoreState {
  readonly savedAt: SavedAt;
}

/** Joins the two parts of a learned row's key; no name of a service or instance contains it. */
const SEPARATOR = '\u0000';

export class RowWriter {
  readonly #database: Database.Database;
  readonly #clock: BootClock;
  readonly #services: Tracked<string>;
  readonly #learned: Tracked<string>;
  readonly #placement: Tracked<PlacementRow>;
  readonly #stamp: Database.Statement<[string | null, number, number]>;
  /** What the file held when it was opened is replaced as a whole by the first write. */
  #first = true;

  constructor(database: Database.Database, clock: BootClock) {
    this.#database = database;
    this.#clock = clock;
    this.#services = tracked(database, 'service', 'name');
    this.#learned = trackedLearned(database);
    const placement = tracked(database, 'placement', 'id');
    this.#placement = {
      known: new Map(),
      put: (id, row) => placement.put(id, JSON.stringify(row.fact)),
      remove: placement.remove,
    };
    this.#stamp = database.prepare(
      'INSERT OR REPLACE INTO saved (one, boot_id, uptime_ms, wall_ms) VALUES (1, ?, ?, ?)',
    );
  }

  /** Null when nothing was ever written. */
  read(): SavedState | null {
    const saved = this.#database.prepare<[], SavedRow>('SELECT boot_id, uptime_ms, wall_ms FROM saved').get();
    if (saved === undefined) return null;
    const learned = this.#database.prepare<[string], LearnedRow>(
      'SELECT instance, data FROM learned WHERE service = ?',
    );
    const services = this.#database.prepare<[], ServiceRow>('SELECT name, data FROM service').all();
    const routers = services.flatMap(({ name, data }) => {
      const instances = new Map(learned.all(name).map((row) => [row.instance, row.data]));
      const snapshot = joinSnapshot({ service: data, instances });
      return snapshot === null ? [] : [snapshot];
    });
    const placement = joinPlacement(this.#database.prepare<[], PlacedRow>('SELECT id, data FROM placement').iterate());
    return { routers, placement, savedAt: { bootId: saved.boot_id, uptimeMs: saved.uptime_ms, wallMs: saved.wall_ms } };
  }

  /** Writes what changed; returns the number of rows written. `always`: notes the time even when nothing changed. */
  write(state: StoreState, always: boolean): number {
    const changes = this.#changes(state);
    const rows = changes.reduce((sum, change) => sum + change.rows, 0);
    if (rows === 0 && !always && !this.#first) return 0;
    this.#database.transaction(() => this.#apply(changes))();
    // Only what was committed is known to be there.
    for (const change of changes) change.remember();
    this.#first = false;
    return rows + 1;
  }

  #changes(state: StoreState): Change[] {
    const services = new Map<string, string>();
    const learned = new Map<string, string>();
    for (const snapshot of state.routers) {
      const rows = splitSnapshot(snapshot);
      services.set(snapshot.service, rows.service);
      for (const [key, text] of rows.instances) learned.set(`${snapshot.service}${SEPARATOR}${key}`, text);
    }
    const placed = new Map(state.placement === null ? [] : placementRows(state.placement).map((row) => [row.id, row]));
    return [
      difference(this.#services, services, (a, b) => a === b),
      difference(this.#learned, learned, (a, b) => a === b),
      difference(this.#placement, placed, isSameFact),
    ];
  }

  #apply(changes: readonly Change[]): void {
    if (this.#first) this.#database.exec('DELETE FROM service; DELETE FROM learned; DELETE FROM placement');
    for (const change of changes) change.apply();
    this.#stamp.run(this.#clock.bootId, this.#clock.uptimeMs(), this.#clock.wallMs());
  }
}

interface SavedRow {
  readonly boot_id: string | null;
  readonly uptime_ms: number;
  readonly wall_ms: number;
}

interface ServiceRow {
  readonly name: string;
  readonly data: string;
}

interface LearnedRow {
  readonly instance: string;
  readonly data: string;
}

interface PlacedRow {
  readonly id: string;
  readonly data: string;
}

function tracked(database: Database.Database, table: 'service' | 'placement', id: 'name' | 'id'): Tracked<string> {
  const put = database.prepare(`INSERT OR REPLACE INTO ${table} (${id}, data) VALUES (?, ?)`);
  const remove = database.prepare(`DELETE FROM ${table} WHERE ${id} = ?`);
  return { known: new Map(), put: (key, data) => put.run(key, data), remove: (key) => remove.run(key) };
}

function trackedLearned(database: Database.Database): Tracked<string> {
  const put = database.prepare('INSERT OR REPLACE INTO learned (service, instance, data) VALUES (?, ?, ?)');
  const remove = database.prepare('DELETE FROM learned WHERE service = ? AND instance = ?');
  return {
    known: new Map(),
    put: (id, data) => put.run(...id.split(SEPARATOR), data),
    remove: (id) => remove.run(...id.split(SEPARATOR)),
  };
}

function difference<Row>(
  table: Tracked<Row>,
  wanted: ReadonlyMap<string, Row>,
  isSame: (a: Row, b: Row) => boolean,
): Change {
  const put = [...wanted].filter(([id, row]) => {
    const known = table.known.get(id);
    return known === undefined || !isSame(known, row);
  });
  const gone = [...table.known.keys()].filter((id) => !wanted.has(id));
  return {
    rows: put.length + gone.length,
    apply() {
      for (const id of gone) table.remove(id);
      for (const [id, row] of put) table.put(id, row);
    },
    remember() {
      for (const id of gone) table.known.delete(id);
      for (const [id, row] of put) table.known.set(id, row);
    },
  };
}
