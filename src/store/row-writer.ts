// Writes a state as the difference to what was written before: one transaction, and none at all when nothing changed.

import type Database from 'better-sqlite3';
import type { RouterSnapshot } from '../core/service-router.ts';
import type { BootClock, SavedAt } from './boot-clock.ts';
import { isName, readLearned, readSnapshot, savedRow } from './row-schema.ts';
import {
  isSameFact,
  joinPlacement,
  joinSnapshot,
  type PlacementRow,
  placementRows,
  readPlacementRow,
  splitSnapshot,
} from './rows.ts';
import type { StoreState } from './state.ts';

/** A table of which the writer knows what is in it. */
interface Tracked<Row> {
  readonly known: Map<string, Row>;
  readonly put: (id: string, row: Row) => void;
  readonly remove: (id: string) => void;
  /** Removes a row by its key as it was read, whatever that is. */
  readonly drop: (...key: readonly unknown[]) => void;
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
  /** Rows that did not fit their schema, and were left out. */
  readonly dropped: number;
}

/**
 * New facts of placement written at a time: some ten milliseconds of the event loop. When a fleet of thousands is first
 * heard of, the rest follows with the next flushes; facts stand alone, so any part of them is as good as it is large.
 */
const PLACED_ROWS_MAX = 500;

/** Joins the two parts of a learned row's key; no name of a service or instance contains it. */
const SEPARATOR = '\u0000';

const learnedId = (service: string, instance: string): string => `${service}${SEPARATOR}${instance}`;

export class RowWriter {
  readonly #database: Database.Database;
  readonly #clock: BootClock;
  readonly #services: Tracked<string>;
  readonly #learned: Tracked<string>;
  readonly #placement: Tracked<PlacementRow>;
  /** Removes the rows that did not fit, with the next write. */
  #misfits: (() => void)[] = [];
  readonly #stamp: Database.Statement<[string | null, number, number]>;

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
      drop: placement.drop,
    };
    this.#stamp = database.prepare(
      'INSERT OR REPLACE INTO saved (one, boot_id, uptime_ms, wall_ms) VALUES (1, ?, ?, ?)',
    );
  }

  /**
   * What the file holds, row by row, as far as it fits; null when nothing was ever written. To be called before the first
   * write, which builds on it.
   */
  read(): SavedState | null {
    const row = this.#database.prepare<[], unknown>('SELECT boot_id, uptime_ms, wall_ms FROM saved').get();
    const routers = this.#readRouters();
    const placement = joinPlacement(this.#readPlacement());
    if (row === undefined) return null;
    return { routers, placement, savedAt: savedAtOf(row), dropped: this.#misfits.length };
  }

  #readRouters(): RouterSnapshot[] {
    const learned = this.#readLearned();
    const rows = this.#database.prepare<[], ServiceRow>('SELECT name, data FROM service').all();
    return rows.flatMap(({ name, data }) => {
      const snapshot = readSnapshot(data);
      if (snapshot === null || snapshot.service !== name) return this.#misfit(() => this.#services.drop(name));
      this.#services.known.set(snapshot.service, String(data));
      return [joinSnapshot(snapshot, learned.get(snapshot.service) ?? new Map())];
    });
  }

  /** What was learned of each instance, by service and key. */
  #readLearned(): Map<string, Map<string, unknown>> {
    const learned = new Map<string, Map<string, unknown>>();
    const rows = this.#database.prepare<[], LearnedRow>('SELECT service, instance, data FROM learned').all();
    for (const { service, instance, data } of rows) {
      const row = readLearned(data);
      if (!isName(service) || !isName(instance) || row === null) {
        this.#misfit(() => this.#learned.drop(service, instance));
        continue;
      }
      const instances = learned.get(service) ?? new Map<string, unknown>();
      learned.set(service, instances.set(instance, row.learned));
      this.#learned.known.set(learnedId(service, instance), String(data));
    }
    return learned;
  }

  #readPlacement(): PlacementRow[] {
    const rows = this.#database.prepare<[], PlacedRow>('SELECT id, data FROM placement').all();
    return rows.flatMap(({ id, data }) => {
      const row = readPlacementRow(data);
      if (row === null || row.id !== id) return this.#misfit(() => this.#placement.drop(id));
      this.#placement.known.set(row.id, row);
      return [row];
    });
  }

  #misfit(remove: () => void): [] {
    this.#misfits.push(remove);
    return [];
  }

  /**
   * Writes what changed; returns the number of rows written. `last`: there is no later write, so all of it goes now, and
   * the time is noted even when nothing changed.
   */
  write(state: StoreState, last: boolean): number {
    const changes = this.#changes(state, last ? Number.POSITIVE_INFINITY : PLACED_ROWS_MAX);
    const rows = changes.reduce((sum, change) => sum + change.rows, this.#misfits.length);
    if (rows === 0 && !last) return 0;
    this.#database.transaction(() => this.#apply(changes))();
    // Only what was committed is known to be there.
    for (const change of changes) change.remember();
    this.#misfits = [];
    return rows + 1;
  }

  #changes(state: StoreState, placedMax: number): Change[] {
    const services = new Map<string, string>();
    const learned = new Map<string, string>();
    for (const snapshot of state.routers) {
      const rows = splitSnapshot(snapshot);
      services.set(snapshot.service, rows.service);
      for (const [key, text] of rows.instances) learned.set(learnedId(snapshot.service, key), text);
    }
    const placed = new Map(state.placement === null ? [] : placementRows(state.placement).map((row) => [row.id, row]));
    return [
      difference(this.#services, services, (a, b) => a === b),
      difference(this.#learned, learned, (a, b) => a === b),
      difference(this.#placement, placed, isSameFact, placedMax),
    ];
  }

  #apply(changes: readonly Change[]): void {
    for (const remove of this.#misfits) remove();
    for (const change of changes) change.apply();
    this.#stamp.run(this.#clock.bootId, this.#clock.uptimeMs(), this.#clock.wallMs());
  }
}

/** Rows as they lie in the file: any column may hold anything. */
interface ServiceRow {
  readonly name: unknown;
  readonly data: unknown;
}

interface LearnedRow {
  readonly service: unknown;
  readonly instance: unknown;
  readonly data: unknown;
}

interface PlacedRow {
  readonly id: unknown;
  readonly data: unknown;
}

/** A time that does not fit is of another boot: the age is unknown. */
function savedAtOf(row: unknown): SavedAt {
  const { data } = savedRow.safeParse(row);
  return { bootId: data?.boot_id ?? null, uptimeMs: data?.uptime_ms ?? 0, wallMs: data?.wall_ms ?? 0 };
}

function tracked(database: Database.Database, table: 'service' | 'placement', id: 'name' | 'id'): Tracked<string> {
  const put = database.prepare(`INSERT OR REPLACE INTO ${table} (${id}, data) VALUES (?, ?)`);
  const remove = database.prepare(`DELETE FROM ${table} WHERE ${id} = ?`);
  const drop = (...key: readonly unknown[]): unknown => remove.run(...key);
  return { known: new Map(), put: (key, data) => put.run(key, data), remove: drop, drop };
}

function trackedLearned(database: Database.Database): Tracked<string> {
  const put = database.prepare('INSERT OR REPLACE INTO learned (service, instance, data) VALUES (?, ?, ?)');
  const remove = database.prepare('DELETE FROM learned WHERE service = ? AND instance = ?');
  return {
    known: new Map(),
    put: (id, data) => put.run(...id.split(SEPARATOR), data),
    remove: (id) => remove.run(...id.split(SEPARATOR)),
    drop: (...key) => remove.run(...key),
  };
}

function difference<Row>(
  table: Tracked<Row>,
  wanted: ReadonlyMap<string, Row>,
  isSame: (a: Row, b: Row) => boolean,
  putMax = Number.POSITIVE_INFINITY,
): Change {
  const put: [string, Row][] = [];
  for (const entry of wanted) {
    if (put.length >= putMax) break;
    const known = table.known.get(entry[0]);
    if (known === undefined || !isSame(known, entry[1])) put.push(entry);
  }
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
