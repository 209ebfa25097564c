// A process that was started by the one it succeeds (successor.ts) takes its turn here.

import { Socket } from 'node:net';
import { CommandError } from '../errors.ts';
import { HandoverChannel } from './handover-channel.ts';

/** The descriptor of the channel, for the successor. */
export const HANDOVER_FD = 'QEDGE_HANDOVER_FD';

/** The store that the predecessor has open, and will let go of. */
export const HANDOVER_STORE = 'QEDGE_HANDOVER_STORE';

/** The process that started this one in its place, seen from here. */
export class Predecessor {
  /** The file that it has open, and will let go of; null when it has none. */
  readonly store: string | null;
  readonly #channel: HandoverChannel;

  constructor(channel: HandoverChannel, store: string | null = null) {
    this.#channel = channel;
    this.store = store;
  }

  /**
   * To be called when all is ready but for what only one process can have: resolves when it is free, to what TLS sessions are
   * resumed by; null where the predecessor is of a version that does not say.
   *
   * @throws CommandError when the predecessor is gone, or changed its mind
   */
  async turn(): Promise<string | null> {
    this.#channel.say('prepared');
    if (!(await this.#channel.heard('go'))) throw new CommandError('the process to succeed is gone');
    return this.#channel.detail('tickets');
  }

  /**
   * Requests are served: the predecessor ends. True when the service manager listens to this process from here on, false
   * when the predecessor is gone without that: no service manager watches this process.
   */
  async succeed(): Promise<boolean> {
    this.#channel.say('serving');
    const charged = await this.#channel.heard('charge');
    this.close();
    return charged;
  }

  /** Says by its silence that nothing will come of it. */
  close(): void {
    this.#channel.close();
  }
}

/** Null for a process that succeeds none. The variables are removed from `env`, so that no child process finds them. */
export function findPredecessor(env: NodeJS.ProcessEnv = process.env): Predecessor | null {
  const { [HANDOVER_FD]: fd, [HANDOVER_STORE]: store = null } = env;
  delete env[HANDOVER_FD];
  delete env[HANDOVER_STORE];
  if (fd === undefined) return null;
  return new Predecessor(new HandoverChannel(new Socket({ fd: Number(fd), readable: true, writable: true })), store);
}
