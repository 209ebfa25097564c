// The models of a task at one controller: those that it takes while it has the task, and the copy of the newest one while it waits.

import { randomBytes } from 'node:crypto';
import { CommandError } from '../../errors.ts';
import { type AddressPolicy, createAddressPolicy } from '../../placement/address-policy.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { TaskState } from '../messages/payloads.ts';
import { copySnapshot } from './copy-snapshot.ts';
import { SnapshotServer } from './snapshot-server.ts';
import { Snapshots } from './snapshots.ts';
import type { LearningTask } from './task-file.ts';

export interface ModelKeeperOptions {
  readonly task: Pick<LearningTask, 'name' | 'listen' | 'address' | 'allow' | 'directory'>;
  readonly log: Logger;
  /** The present round, and the last one that a model may be of. */
  readonly rounds: () => { readonly round: number; readonly roundMax: number };
}

/** Files and port of one controller. */
export class ModelKeeper {
  readonly #log: Logger;
  readonly #snapshots: Snapshots;
  readonly #server: SnapshotServer;
  readonly #addresses: AddressPolicy;
  #isOpen = false;
  #copying = false;

  constructor({ task, log, rounds }: ModelKeeperOptions) {
    this.#log = log;
    this.#snapshots = new Snapshots(task.directory);
    this.#addresses = createAddressPolicy({ allow: task.allow, key: 'controller.allow', ownListeners: () => [] });
    this.#server = new SnapshotServer({
      task: task.name,
      listen: task.listen,
      address: task.address,
      snapshots: this.#snapshots,
      round: () => rounds().round,
      roundMax: () => rounds().roundMax,
      onSnapshot: ({ round, bytes }, from) => log.info({ round, bytes, from }, 'snapshot taken'),
    });
  }

  /** @throws CommandError where the directory or the port cannot be had */
  async start(): Promise<void> {
    await this.#open().catch((error: unknown) => {
      throw unusable(error);
    });
    await this.#server.listen();
  }

  /**
   * This controller has the task: no other one writes.
   *
   * @param round the last one that was done; "forget": no earlier model is used
   * @throws CommandError where the directory cannot be used
   */
  async take(round: number | 'forget'): Promise<void> {
    try {
      await this.#snapshots.sweep();
      if (round === 'forget') await this.#snapshots.clear();
      else await this.#open();
    } catch (error) {
      throw unusable(error);
    }
    if (round === 'forget' || round <= this.round) return;
    this.#log.warn({ lost: round - this.round, round: this.round }, 'rounds are lost, there is no later snapshot here');
  }

  /** The round of the newest model; 0: there is none. */
  get round(): number {
    return this.#snapshots.newest?.round ?? 0;
  }

  /** Where the global aggregator of a new generation gets and puts models; that of the one before is closed. */
  admit(): string {
    this.#isOpen = true;
    this.#server.admit(randomBytes(16).toString('hex'));
    return this.#server.url;
  }

  /** Takes nothing any more. */
  refuse(): void {
    this.#isOpen = false;
    this.#server.admit(null);
  }

  /** The newest model as other controllers find it. */
  get newest(): TaskState['snapshot'] {
    const { newest } = this.#snapshots;
    return newest === null || !this.#isOpen
      ? null
      : { round: newest.round, sha256: newest.sha256, url: this.#server.readUrl };
  }

  /** Copies what another controller has, before that one is gone. Never throws. */
  async copy(wanted: TaskState['snapshot']): Promise<void> {
    if (wanted === null || this.#copying || wanted.sha256 === this.#snapshots.newest?.sha256) return;
    this.#copying = true;
    try {
      await copySnapshot(wanted, { snapshots: this.#snapshots, addresses: this.#addresses });
    } catch (error) {
      this.#log.warn({ round: wanted.round, reason: (error as Error).message }, 'snapshot not copied');
    }
    this.#copying = false;
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  async #open(): Promise<void> {
    for (const path of await this.#snapshots.open()) {
      this.#log.warn({ path }, 'snapshot passed over, its bytes are not what its name says');
    }
  }
}

function unusable(error: unknown): CommandError {
  return new CommandError(`controller.directory: ${error instanceof Error ? error.message : String(error)}`, 1, error);
}
