// Writes a state as the difference to what was written before: one transaction, and none at all when nothing changed.

import type Database from 'better-sqlite3';
import type { RouterSnapshot } from '../core/service-router.ts';
import type { BootClock, SavedAt } from './boot-clock.ts';
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
  /** Null for a row that is there but makes no sense. */
  readonly known: Map<string, Row | null>;
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
    };
    this.#stamp = database.prepare(
      'INSERT OR REPLACE INTO saved (one, boot_id, uptime_ms, wall_ms) VALUES (1, ?, ?, ?)',
    );
  }

  /** What the file holds; null when nothing was ever written. To be called before the first write, which builds on it. */
  read(): SavedState | null {
    const saved = this.#database.prepare<[], SavedRow>('SELECT boot_id, uptime_ms, wall_ms FROM saved').get();
    const routers = this.#readRouters();
    const placement = joinPlacement(this.#readPlacement());
    if (saved === undefined) return null;
    return { routers, placement, savedAt: { bootId: saved.boot_id, uptimeMs: saved.uptime_ms, wallMs: saved.wall_ms } };
  }

  #readRouters(): RouterSnapshot[] {
    const learned = new Map<string, Map<string, string>>();
    const rows = this.#database.prepare<[], LearnedRow>('SELECT service, instance, data FROM learned').all();
    for (const { service, instance, data } of rows) {
      const instances = learned.get(service) ?? new Map<string, string>();
      learned.set(service, instances.set(instance, data));
      this.#learned.known.set(learnedId(service, instance), data);
    }
    const services = this.#database.prepare<[], ServiceRow>('SELECT name, data FROM service').all();
    return services.flatMap(({ name, data }) => {
      this.#services.known.set(name, data);
      const snapshot = joinSnapshot({ service: data, instances: learned.get(name) ?? new Map() });
      return snapshot === null ? [] : [snapshot];
    });
  }

  #readPlacement(): PlacementRow[] {
    const rows = this.#database.prepare<[], PlacedRow>('SELECT id, data FROM placement').all();
    return rows.flatMap(({ id, data }) => {
      const row = readPlacementRow(data);
      this.#placement.known.set(id, row?.id === id ? row : null);
      return row === null ? [] : [row];
    });
  }

  /**
   * Writes what changed; returns the number of rows written. `last`: there is no later write, so all of it goes now, and
   * the time is noted even when nothing changed.
   */
  write(state: StoreState, last: boolean): number {
    const changes = this.#changes(state, last ? Number.POSITIVE_INFINITY : PLACED_ROWS_MAX);
    const rows = changes.reduce((sum, change) => sum + change.rows, 0);
    if (rows === 0 && !last) return 0;
    this.#database.transaction(() => this.#apply(changes))();
    // Only what was committed is known to be there.
    for (const change of changes) change.remember();
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
  readonly service: string;
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
  putMax = Number.POSITIVE_INFINITY,
): Change {
  const put: [string, Row][] = [];
  for (const entry of wanted) {
    if (put.length >= putMax) break;
    const known = table.known.get(entry[0]);
    if (known === undefined || known === null || !isSame(known, entry[1])) put.push(entry);
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
