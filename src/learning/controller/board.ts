// What a controller has on the broker: its claim, the state of the task, the part of each node. All of it is retained, and said again
// after a lost connection.

import type { BrokerConnection } from '../../placement/broker/connection.ts';
import { type Claim, readPart, type TaskState } from '../messages/payloads.ts';
import { controllerTopic, partTopic, progressTopic, stateTopic } from '../messages/topics.ts';

/** Parts of earlier controllers beyond so many stay as they are. */
const PARTS_MAX = 10_000;
/** The last messages of a task are on their way for this long at most, ms. */
const FAREWELL_MS_MAX = 2_000;

export interface BoardOptions {
  readonly connection: Pick<BrokerConnection, 'publish'>;
  readonly prefix: string;
  readonly task: string;
  /** Called with every state that is published. */
  readonly onState: (state: TaskState) => void;
}

/** The retained topics of one task. */
export class Board {
  readonly #options: BoardOptions;
  #stateText = '';
  /** Payload by node, as it is retained; null: of another controller. */
  readonly #parts = new Map<string, string | null>();
  /** Nodes whose part another one wrote over. */
  readonly #overwritten = new Set<string>();
  #generation = 0;

  constructor(options: BoardOptions) {
    this.#options = options;
  }

  /** The newest generation that another controller began. */
  get generation(): number {
    return this.#generation;
  }

  claim(claim: Claim): void {
    void this.#publish(controllerTopic, JSON.stringify(claim));
  }

  state(state: TaskState): void {
    const text = JSON.stringify(state);
    if (text === this.#stateText) return;
    this.#stateText = text;
    this.#options.onState(state);
    void this.#publish(stateTopic, text);
  }

  /** The part that an earlier controller gave a node: taken back where this one gives it none, and else said again by `repeat`. */
  hearPart(node: string, payload: Uint8Array): void {
    const own = this.#parts.get(node);
    if (typeof own === 'string' && Buffer.compare(payload, Buffer.from(own)) === 0) {
      this.#overwritten.delete(node);
      return;
    }
    const read = readPart(payload);
    // Also over an own part, which stays known where another controller had the task meanwhile.
    if (read !== null && 'value' in read) this.#generation = Math.max(this.#generation, read.value.generation);
    if (typeof own === 'string') this.#overwritten.add(node);
    else if (read !== null && !this.#parts.has(node) && this.#parts.size < PARTS_MAX) this.#parts.set(node, null);
  }

  /** Publishes the part of each node, and clears that of a node without one. */
  parts(parts: ReadonlyMap<string, string>): void {
    this.#overwritten.clear();
    for (const node of [...this.#parts.keys()].filter((one) => !parts.has(one))) {
      this.#parts.delete(node);
      void this.#publishTo(partTopic, node, '');
    }
    for (const [node, text] of parts) {
      this.#parts.set(node, text);
      void this.#publishTo(partTopic, node, text);
    }
  }

  /**
   * Says again what another one wrote over, such as a controller that had the task before, and whose last message came late.
   *
   * @returns the nodes
   */
  repeat(): readonly string[] {
    const nodes = [...this.#overwritten];
    this.#overwritten.clear();
    for (const node of nodes) void this.#publishTo(partTopic, node, this.#parts.get(node) ?? '');
    return nodes;
  }

  /** After a new connection: what was published meanwhile went nowhere. */
  again(): void {
    this.#stateText = '';
    this.parts(new Map([...this.#parts].flatMap(([node, text]) => (text === null ? [] : [[node, text]]))));
  }

  /**
   * Clears the claim. What stays when the controller goes: the state; the parts as well, unless the task is over.
   *
   * @param state null: it had not begun
   */
  async farewell(state: TaskState | null): Promise<void> {
    const nodes = state?.phase === 'done' ? [...this.#parts.keys()] : [];
    const said = [
      ...(state === null ? [] : [this.#publish(stateTopic, JSON.stringify(state))]),
      ...nodes.flatMap((node) => [this.#publishTo(partTopic, node, ''), this.#publishTo(progressTopic, node, '')]),
      this.#publish(controllerTopic, ''),
    ];
    await Promise.race([Promise.all(said), new Promise((resolve) => setTimeout(resolve, FAREWELL_MS_MAX).unref())]);
  }

  #publish(topicOf: (prefix: string, task: string) => string, text: string): Promise<boolean> {
    const { connection, prefix, task } = this.#options;
    return connection.publish(topicOf(prefix, task), text);
  }

  #publishTo(
    topicOf: (prefix: string, task: string, node: string) => string,
    node: string,
    text: string,
  ): Promise<boolean> {
    const { connection, prefix, task } = this.#options;
    return connection.publish(topicOf(prefix, task, node), text);
  }
}
