// What signals make of a running service. SIGTERM and SIGINT drain it, a second one does not wait; SIGHUP reads the
// configuration again; SIGUSR2 hands over to the executable that is in place by now, without a moment in which nothing
// serves:
//
//   this process               its successor
//   serves                     starts, reads the configuration
//   lets go of the store       ◀── prepared
//   serves                     go ──▶ takes the store, restores what was learned, listens
//   stops listening, drains    ◀── serving
//   ends                       charge ──▶ is the main process of the service
//
// Until `go` a failure of the successor changes nothing here. After it, the service manager starts the service again.

import type { App } from '../../app/running-app.ts';
import { loadConfig } from '../../config/load.ts';
import { isSingleExecutable } from '../../sea.ts';
import type { InheritedSockets } from '../../systemd/sockets.ts';
import { type Successor, startSuccessor } from '../../systemd/successor.ts';
import type { ProbationWatch } from './watch-probation.ts';

/** A goodbye to the broker takes two seconds at most, the last write to a slow SD card some more. */
const CEDE_MS_MAX = 15_000;

export interface ServiceLifeOptions {
  readonly app: App;
  /** The configuration. */
  readonly file: string;
  readonly probation: ProbationWatch;
  /** True once the service manager watches this process, false when it never will; undefined: it does from the start. */
  readonly inCharge: Promise<boolean> | undefined;
}

type End =
  | 'SIGTERM'
  | 'SIGINT'
  | 'rejected'
  | 'no-hand-over'
  | 'predecessor-lost'
  | 'successor-lost'
  | 'worker-lost'
  | 'handed-over';

/** Ends that are no failure of this process; after the others the service manager starts what is in place by now. */
const GOOD_ENDS: ReadonlySet<End> = new Set(['SIGTERM', 'SIGINT', 'no-hand-over', 'handed-over']);

/** One running service, from its start to its end by a signal. */
export class ServiceLife {
  readonly #options: ServiceLifeOptions;
  readonly #end = Promise.withResolvers<End>();
  #ending = false;
  #terminated = false;
  #handingOver = false;
  /** Has what only one process can have: signals are for it. */
  #successor: Successor | null = null;
  /** Signals that came before the successor could take them. */
  #early: Set<NodeJS.Signals> | null = new Set();

  constructor(options: ServiceLifeOptions) {
    this.#options = options;
  }

  /** Resolves with the exit status when all is over. */
  async lived(): Promise<0 | 1> {
    const { app, probation } = this.#options;
    process.on('SIGHUP', () => this.#reload());
    process.on('SIGUSR2', () => void this.#handOver());
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => this.#terminate(name));
    void app.lost.then(() => this.#finish('worker-lost'));
    void probation.rejected.then(() => this.#finish('rejected'));
    void this.#takeCharge();
    const cause = await this.#end.promise;
    app.log.info({ cause }, 'stopping');
    if (this.#successor !== null && cause === 'handed-over') return this.#leave(this.#successor);
    probation.stop();
    await app.stop();
    return GOOD_ENDS.has(cause) || this.#terminated ? 0 : 1;
  }

  async #takeCharge(): Promise<void> {
    const { app, inCharge } = this.#options;
    if (inCharge === undefined) return;
    if (await inCharge) app.takeCharge();
    else this.#finish('predecessor-lost');
  }

  #finish(cause: End): void {
    this.#ending = true;
    this.#end.resolve(cause);
  }

  async #handOver(): Promise<void> {
    const { app, inCharge } = this.#options;
    if (this.#successor !== null) return this.#forward('SIGUSR2');
    if (this.#handingOver || this.#ending) return;
    this.#handingOver = true;
    this.#early = new Set();
    await inCharge;
    const { sockets } = app;
    if (sockets === null || !isSingleExecutable) {
      app.log.warn('no hand-over, this process ends: not all of its ports are inherited, or it runs from source');
      this.#finish('no-hand-over');
    } else {
      const successor = await this.#prepare(sockets);
      if (successor !== null) await this.#cede(successor);
    }
    this.#handingOver = false;
  }

  /** Null when the successor failed, or is not wanted any more: this process goes on as if nothing had been. */
  async #prepare(sockets: InheritedSockets): Promise<Successor | null> {
    const { app, probation } = this.#options;
    let successor: Successor | null = null;
    try {
      const { store } = app;
      successor = await startSuccessor({ executable: process.execPath, args: process.argv.slice(2), sockets, store });
      app.log.info({ pid: successor.pid }, 'successor started');
      await Promise.race([successor.prepared(), this.#end.promise]);
      if (!this.#ending) return successor;
    } catch (error) {
      const reason = reasonOf(error);
      app.log.error({ reason }, 'hand-over failed, this process goes on');
      if (!this.#ending) probation.recordNeverServed(reason);
    }
    successor?.kill();
    return null;
  }

  async #cede(successor: Successor): Promise<void> {
    const { app, probation } = this.#options;
    this.#successor = successor;
    probation.stop();
    try {
      await within(CEDE_MS_MAX, app.cede());
      await successor.serve(app.tickets);
    } catch (error) {
      app.log.error({ reason: reasonOf(error) }, 'hand-over failed, this process ends');
      successor.kill();
      return this.#finish('successor-lost');
    }
    for (const name of this.#early ?? []) successor.signal(name);
    this.#early = null;
    this.#finish('handed-over');
  }

  /** What is under way is finished here, while the successor serves. */
  async #leave(successor: Successor): Promise<0 | 1> {
    const { app } = this.#options;
    let lost = false;
    void successor.ended.then(() => {
      lost = true;
    });
    await app.stop({ succeeded: true });
    if (this.#terminated) {
      await successor.ended;
      return 0;
    }
    if (lost) return 1;
    app.leaveCharge(successor.pid);
    successor.charge();
    return 0;
  }

  #terminate(name: 'SIGTERM' | 'SIGINT'): void {
    if (this.#terminated) process.exit(1);
    this.#terminated = true;
    if (this.#successor === null) this.#finish(name);
    else this.#forward(name);
  }

  #reload(): void {
    const { app, file } = this.#options;
    if (this.#successor !== null) {
      this.#forward('SIGHUP');
      return;
    }
    void app.reload(() => loadConfig(file));
    // A successor that starts may have read the file before.
    if (this.#handingOver) this.#early?.add('SIGHUP');
  }

  /** Before it serves, a signal would end the successor instead of being heard. */
  #forward(name: NodeJS.Signals): void {
    if (this.#early === null) this.#successor?.signal(name);
    else this.#early.add(name);
  }
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the store and the broker were not let go within ${ms / 1000} s`)), ms);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
