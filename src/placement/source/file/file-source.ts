// Instances that a file lists, or the files of a folder: read again when they change, each by itself, and at the latest some
// seconds after. A file that is half written or has a mistake stands for what it last said. A file that is gone stands
// for nothing.

import { type FSWatcher, watch } from 'node:fs';
import { formatProblem } from '../../../errors.ts';
import type { Announced, PlacementSource, SourceContext } from '../source.ts';
import { findLists, type ListFile, type ListFolder, readListFile } from './list-files.ts';

/** `[placement.file]`. */
export interface FileSourceConfig {
  readonly path: string;
}

/** What a file last said. */
interface Known {
  readonly version: string;
  readonly announced: readonly Announced[];
  readonly trouble: string | null;
}

/** A file that is being written is left alone until it was still for so long, ms. */
const STILL_MS = 50;
/** A folder that is never still is read all the same after so long, ms. */
const RESTLESS_MS_MAX = 1_000;
/** Some file systems report no change: the files are looked at this often, ms. */
const LOOK_MS = 5_000;

/** Stands for what could not be read: it is tried again at the next look. */
const UNREAD = '';

/** Follows one file, or the files of a folder. */
export class FileSource implements PlacementSource {
  readonly #path: string;
  readonly #context: SourceContext;
  #known: ReadonlyMap<string, Known> = new Map();
  #watcher: { readonly version: string; readonly handle: FSWatcher } | null = null;
  #timer: NodeJS.Timeout | null = null;
  #restlessSinceMs: number | null = null;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;
  /** Something changed while it was read. */
  #moved = false;
  #reported = false;

  constructor({ path }: FileSourceConfig, context: SourceContext) {
    this.#path = path;
    this.#context = context;
  }

  start(): void {
    this.#look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#looking;
    this.#watcher?.handle.close();
  }

  #look(): void {
    this.#restlessSinceMs = null;
    this.#moved = false;
    this.#looking = this.#readChanged().then(() => {
      // It is looked at once it is still.
      if (this.#moved) this.#stir();
      if (this.#restlessSinceMs === null) this.#lookIn(LOOK_MS);
    });
  }

  #lookIn(waitMs: number): void {
    if (this.#stopped) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), waitMs);
    this.#timer.unref();
  }

  #stir(): void {
    const nowMs = this.#context.clock.nowMs();
    this.#restlessSinceMs ??= nowMs;
    this.#lookIn(Math.min(STILL_MS, Math.max(0, this.#restlessSinceMs + RESTLESS_MS_MAX - nowMs)));
  }

  async #readChanged(): Promise<void> {
    const found = await findLists(this.#path).catch((error: NodeJS.ErrnoException) => error);
    if (found instanceof Error) {
      // Nothing is known to have changed in what cannot be looked at now.
      if (found.code === 'ENOENT') this.#report(new Map());
      this.#context.setTrouble(found.code === 'ENOENT' ? `nothing is at ${this.#path}` : found.message);
      return;
    }
    this.#watch(found);
    const read = await Promise.all(found.files.map((file) => this.#read(file)));
    const known = new Map(read.flatMap((one, i) => (one === null ? [] : [[found.files[i]?.name ?? '', one]])));
    this.#report(known);
    this.#context.setTrouble([...known.values()].find(({ trouble }) => trouble !== null)?.trouble ?? null);
  }

  /** Null where nothing is known of the file yet. */
  async #read(file: ListFile): Promise<Known | null> {
    const before = this.#known.get(file.name);
    if (before?.version === file.version) return before;
    const list = await readListFile(file);
    if (list === null) {
      this.#moved = true;
      return before ?? null;
    }
    const [problem] = list.problems;
    if (problem !== undefined) {
      const last = before === undefined ? 'it is left out' : 'what it said before stands';
      const trouble = `${formatProblem(problem)}; ${last}`;
      return { version: list.unread ? UNREAD : file.version, announced: before?.announced ?? [], trouble };
    }
    const announced = list.instances.map((instance, i) => ({ instance, where: `${file.name} instance[${i}]` }));
    return { version: file.version, announced, trouble: null };
  }

  #report(known: ReadonlyMap<string, Known>): void {
    const same = known.size === this.#known.size && [...known].every(([name, one]) => this.#known.get(name) === one);
    if (this.#reported && same) return;
    this.#reported = true;
    this.#known = known;
    this.#context.report([...known.values()].flatMap(({ announced }) => announced));
  }

  #watch({ folder, version, only }: ListFolder): void {
    const key = `${folder} ${version}`;
    if (this.#watcher?.version === key || this.#stopped) return;
    this.#watcher?.handle.close();
    this.#watcher = null;
    try {
      const handle = watch(folder, { persistent: false }, (_kind, name) => {
        if (only === null || name === null || name === only) this.#stir();
      });
      handle.on('error', () => handle.close());
      this.#watcher = { version: key, handle };
    } catch {
      // No more watches are to be had: it is looked at all the same.
    }
  }
}
