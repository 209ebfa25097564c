// What the main thread and the thread of the store say to each other. The thread answers each request, in order.

import type { SavedAt } from './boot-clock.ts';

export type StoreRequest =
  /** Whether the file could be opened. */
  | { readonly kind: 'prove'; readonly path: string; readonly lockWaitMs: number }
  | { readonly kind: 'open'; readonly path: string; readonly wallMs: number; readonly lockWaitMs: number }
  | { readonly kind: 'write'; readonly changes: RowChanges; readonly wallMs: number }
  /** Whether the file is still at its path, where there is nothing to write. */
  | { readonly kind: 'look' }
  /** Puts on the disk what was written. */
  | { readonly kind: 'sync' }
  /** Closes the file; `sync`: with everything on the disk. There is no request after it. */
  | { readonly kind: 'close'; readonly sync: boolean };

export type StoreAnswer =
  | {
      readonly ok: true;
      /** Size of the file and its WAL. */
      readonly bytes: number | null;
      /** What was opened, in the answer to `open`; null in other answers. */
      readonly opened: OpenedFile | null;
    }
  | { readonly ok: false; readonly failure: StoreFailure };

export interface StoreFailure {
  /** `in-use`: another process has the file. `corrupt`: it was moved aside, `gone`: it was removed; none is open. */
  readonly kind: 'in-use' | 'corrupt' | 'gone' | 'other';
  /** The reason, for people. */
  readonly reason: string;
  /** SQLite's or the system's; empty when there is none. */
  readonly code: string;
  /** Where a corrupt file is now. */
  readonly movedTo: string | null;
}

/** What the file held when it was opened. */
export interface OpenedFile {
  /** The file of this binary's schema. */
  readonly path: string;
  readonly rows: StoredRows;
  /** What was found and is of no use; null when there was no such thing. */
  readonly unusable: UnusableFile | null;
}

/** Why a file was not opened, or was moved aside. */
export interface UnusableFile {
  readonly reason: string;
  /** Null for the file of an earlier version: it is left to the binary of that version. */
  readonly movedTo: string | null;
}

/** Rows as they lie in the file: any column may hold anything. */
export interface StoredRows {
  /** Undefined when nothing was ever written. */
  readonly saved: unknown;
  readonly services: readonly { readonly name: unknown; readonly data: unknown }[];
  readonly learned: readonly { readonly service: unknown; readonly instance: unknown; readonly data: unknown }[];
  readonly placement: readonly { readonly id: unknown; readonly data: unknown }[];
}

/** A table of the file. */
export type TableName = 'service' | 'learned' | 'placement';

/** One transaction. */
export interface RowChanges {
  readonly tables: Readonly<Record<TableName, TableChanges>>;
  readonly savedAt: SavedAt;
}

/** Rows to write and keys to delete, of one table. */
export interface TableChanges {
  /** Key columns, then the data. */
  readonly put: readonly (readonly string[])[];
  /** Key columns, as they were read. */
  readonly remove: readonly (readonly unknown[])[];
}
