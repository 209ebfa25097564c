// What the file holds, as far as the main thread knows, and by which rows a new state differs from that. The rows travel to
// the thread of the store; what did not change costs a comparison.

import type { RouterSnapshot } from '../../core/service-router.ts';
import type { SavedAt } from '../boot-clock.ts';
import type { RowChanges, StoredRows, TableChanges } from '../messages.ts';
import type { StoreState } from '../state.ts';
import {
  isSameFact,
  joinPlacement,
  joinSnapshot,
  type PlacementRow,
  placementRows,
  readPlacementRow,
  splitSnapshot,
} from './rows.ts';
import { isInstanceKey, isName, readLearned, readSnapshot, savedRow } from './schema.ts';

/** A state as the file held it. */
export interface SavedState extends StoreState {
  readonly savedAt: SavedAt;
  /** Rows that did not fit their schema, and were left out. */
  readonly dropped: number;
}

/** A change on its way to the file. */
export interface PendingChanges {
  readonly changes: RowChanges;
  /** The time of saving among them. */
  readonly rows: number;
  /** Notes that the changes were committed: only then are they known to be in the file. */
  committed(): void;
}

export interface ChangeOptions {
  readonly savedAt: SavedAt;
  /** There is no later write: all of it goes now, and the time is noted even when nothing changed. */
  readonly last: boolean;
}

/**
 * New facts of placement written at a time: some ten milliseconds of the event loop. When a fleet of thousands is first
 * heard of, the rest follows with the next flushes; facts stand alone, so any part of them is as good as it is large.
 */
const PLACED_ROWS_MAX = 500;

/** Joins the two parts of a learned row's key; no name of a service or instance contains it. */
const SEPARATOR = '\u0000';

const learnedId = (service: string, instance: string): string => `${service}${SEPARATOR}${instance}`;

/** A row's id and its content. */
interface Table<Row> {
  readonly known: Map<string, Row>;
  /** Keys of rows that did not fit; they go with the next write. */
  misfits: (readonly unknown[])[];
}

/** Knows the rows of the file, and by which of them a new state differs. */
export class RowLedger {
  readonly #services: Table<string> = { known: new Map(), misfits: [] };
  readonly #learned: Table<string> = { known: new Map(), misfits: [] };
  readonly #placement: Table<PlacementRow> = { known: new Map(), misfits: [] };

  /** What the file holds, row by row, as far as it fits; null when nothing was ever written. Changes build on it. */
  read(rows: StoredRows): SavedState | null {
    const routers = this.#readRouters(rows);
    const placement = joinPlacement(this.#readPlacement(rows));
    if (rows.saved === undefined) return null;
    return { routers, placement, savedAt: savedAtOf(rows.saved), dropped: this.#misfitCount };
  }

  get #misfitCount(): number {
    return this.#services.misfits.length + this.#learned.misfits.length + this.#placement.misfits.length;
  }

  #readRouters(rows: StoredRows): RouterSnapshot[] {
    const learned = this.#readLearned(rows);
    return rows.services.flatMap(({ name, data }) => {
      const snapshot = readSnapshot(data);
      if (snapshot === null || snapshot.service !== name) return misfit(this.#services, [name]);
      this.#services.known.set(snapshot.service, String(data));
      return [joinSnapshot(snapshot, learned.get(snapshot.service) ?? new Map())];
    });
  }

  /** What was learned of each instance, by service and key. */
  #readLearned(rows: StoredRows): Map<string, Map<string, unknown>> {
    const learned = new Map<string, Map<string, unknown>>();
    for (const { service, instance, data } of rows.learned) {
      const row = readLearned(data);
      if (!isName(service) || !isInstanceKey(instance) || row === null) {
        misfit(this.#learned, [service, instance]);
        continue;
      }
      const instances = learned.get(service) ?? new Map<string, unknown>();
      learned.set(service, instances.set(instance, row.learned));
      this.#learned.known.set(learnedId(service, instance), String(data));
    }
    return learned;
  }

  #readPlacement(rows: StoredRows): PlacementRow[] {
    return rows.placement.flatMap(({ id, data }) => {
      const row = readPlacementRow(data);
      if (row === null || row.id !== id) return misfit(this.#placement, [id]);
      this.#placement.known.set(row.id, row);
      return [row];
    });
  }

  /** Returns what the state differs from the file in; null when there is nothing to write. */
  changes(state: StoreState, { savedAt, last }: ChangeOptions): PendingChanges | null {
    const { services, learned, placed } = rowsOf(state);
    const isSame = (a: string, b: string): boolean => a === b;
    const placedMax = last ? Number.POSITIVE_INFINITY : PLACED_ROWS_MAX;
    const service = difference(this.#services, services, { isSame });
    const learnedRows = difference(this.#learned, learned, { isSame });
    const placement = difference(this.#placement, placed, { isSame: isSameFact, putMax: placedMax });
    const rows = service.rows + learnedRows.rows + placement.rows;
    if (rows === 0 && !last) return null;
    const tables = {
      service: service.changes((text) => text),
      learned: learnedRows.changes((text) => text),
      placement: placement.changes(({ fact }) => JSON.stringify(fact)),
    };
    const committed = (): void => {
      for (const one of [service, learnedRows, placement]) one.remember();
    };
    return { changes: { tables, savedAt }, rows: rows + 1, committed };
  }
}

function misfit(table: Table<unknown>, key: readonly unknown[]): [] {
  table.misfits.push(key);
  return [];
}

/** A time that does not fit is of another boot: the age is unknown. */
function savedAtOf(row: unknown): SavedAt {
  const { data } = savedRow.safeParse(row);
  return { bootId: data?.boot_id ?? null, uptimeMs: data?.uptime_ms ?? 0, wallMs: data?.wall_ms ?? 0 };
}

/** Every row of a state, by its id. */
function rowsOf(state: StoreState) {
  const services = new Map<string, string>();
  const learned = new Map<string, string>();
  for (const snapshot of state.routers) {
    const rows = splitSnapshot(snapshot);
    services.set(snapshot.service, rows.service);
    for (const [key, text] of rows.instances) learned.set(learnedId(snapshot.service, key), text);
  }
  const placed = new Map(state.placement === null ? [] : placementRows(state.placement).map((row) => [row.id, row]));
  return { services, learned, placed };
}

interface Comparison<Row> {
  readonly isSame: (a: Row, b: Row) => boolean;
  readonly putMax?: number;
}

function difference<Row>(
  table: Table<Row>,
  wanted: ReadonlyMap<string, Row>,
  { isSame, putMax = Number.POSITIVE_INFINITY }: Comparison<Row>,
) {
  const put: [string, Row][] = [];
  for (const entry of wanted) {
    if (put.length >= putMax) break;
    const known = table.known.get(entry[0]);
    if (known === undefined || !isSame(known, entry[1])) put.push(entry);
  }
  const gone = [...table.known.keys()].filter((id) => !wanted.has(id));
  const { misfits } = table;
  return {
    rows: put.length + gone.length + misfits.length,
    changes: (textOf: (row: Row) => string): TableChanges => ({
      put: put.map(([id, row]) => [...id.split(SEPARATOR), textOf(row)]),
      remove: [...misfits, ...gone.map((id) => id.split(SEPARATOR))],
    }),
    remember() {
      table.misfits = [];
      for (const id of gone) table.known.delete(id);
      for (const [id, row] of put) table.known.set(id, row);
    },
  };
}
