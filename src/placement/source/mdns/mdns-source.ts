// Instances of neighbours, found without any server: what the nodes of a site announce to each other over multicast DNS. This
// node's own are said there as well.

import type { Instance } from '../../../core/domain.ts';
import { decodeDns } from '../../../net/dns/decode.ts';
import { encodeMulticast } from '../../../net/dns/encode.ts';
import type { DnsMessage, DnsQuestion } from '../../../net/dns/message.ts';
import { idOf } from '../../messages/instance-name.ts';
import type { Announced, PlacementSource, SourceContext } from '../source.ts';
import { Multicast } from './multicast.ts';
import { type Neighbour, Neighbours } from './neighbours.ts';
import { questionForAll, Responder } from './responder.ts';
import { instanceFrom, labelIn } from './service-record.ts';

/** `[placement.mdns]`. */
export interface MdnsSourceConfig {
  readonly announce: boolean;
  readonly interfaces: readonly string[];
}

/** What is there answers within this, ms; before that nothing is said to be gone. */
const FIRST_MS = 1_000;
/** What a restart brought back has so long to be heard again, ms. */
const KEPT_MS = 5_000;
/** RFC 6762, section 5.2: all are asked at once, after this, ms, and then after twice as long each time. */
const ASK_MS = 1_000;
const ASK_MS_MAX = 3_600_000;
/** Records that came together are looked at together, ms. */
const STILL_MS = 20;
const LOOK_MS = 1_000;
/** Names that one packet asks for, and all of a second. */
const QUESTIONS_MAX = 8;
const ASKED_MAX = 64;
/** Messages a second that are read, and their bytes; on a network of any size there are some dozens. */
const MESSAGES_PER_SECOND_MAX = 500;
const BYTES_PER_SECOND_MAX = 512 * 1024;
/** RFC 6762, section 17. */
const MESSAGE_BYTES_MAX = 9_000;

/** Asks the local network which instances there are, and answers for those of this node. */
export class MdnsSource implements PlacementSource {
  readonly #config: MdnsSourceConfig;
  readonly #context: SourceContext;
  readonly #multicast: Multicast;
  readonly #neighbours = new Neighbours();
  readonly #responder: Responder;
  /** What the neighbours' records were read as, by their names. */
  #readings: ReadonlyMap<string, Reading> = new Map();
  #reported: readonly Announced[] | null = null;
  #startMs = Number.POSITIVE_INFINITY;
  #askTimer: NodeJS.Timeout | null = null;
  #lookTimer: NodeJS.Timeout | null = null;
  #soonTimer: NodeJS.Timeout | null = null;
  #messages = { sinceMs: 0, count: 0, bytes: 0 };

  constructor(config: MdnsSourceConfig, context: SourceContext) {
    this.#config = config;
    this.#context = context;
    this.#multicast = new Multicast({
      interfaces: config.interfaces,
      onMessage: (bytes, from) => this.#hear(bytes, from),
      onReady: () => this.#begin(),
      onTrouble: (reason) => context.setTrouble(reason),
    });
    this.#responder = new Responder({
      rng: context.rng,
      send: (bytes) => this.#multicast.send(bytes),
      refuse: (instance, error) => context.refuse(`mdns ${instance.service} ${instance.id}`, error),
      onConflict: ({ service, id }) =>
        context.log.warn({ service, instance: id }, 'another node announces an instance by this name over mdns'),
    });
  }

  start(): void {
    this.#startMs = this.#context.clock.nowMs();
    this.#multicast.start();
    this.#lookTimer = setInterval(() => this.#look(), LOOK_MS);
    this.#lookTimer.unref();
  }

  offer(own: readonly Instance[]): void {
    if (this.#config.announce) this.#responder.offer(own);
  }

  async stop(succeeded: boolean): Promise<void> {
    for (const timer of [this.#askTimer, this.#lookTimer, this.#soonTimer]) if (timer !== null) clearTimeout(timer);
    await this.#responder.stop(succeeded);
    await this.#multicast.stop();
  }

  #begin(): void {
    this.#responder.restart();
    this.#askAll(ASK_MS);
  }

  #askAll(againMs: number): void {
    if (this.#askTimer !== null) clearTimeout(this.#askTimer);
    this.#ask([questionForAll]);
    this.#askTimer = setTimeout(() => this.#askAll(Math.min(2 * againMs, ASK_MS_MAX)), againMs);
    this.#askTimer.unref();
  }

  #ask(questions: readonly DnsQuestion[]): void {
    void this.#multicast.send(encodeMulticast({ questions }));
  }

  #hear(bytes: Buffer, from: string): void {
    const nowMs = this.#context.clock.nowMs();
    if (nowMs - this.#messages.sinceMs >= 1_000) this.#messages = { sinceMs: nowMs, count: 0, bytes: 0 };
    this.#messages.count++;
    this.#messages.bytes += bytes.length;
    const { count, bytes: sum } = this.#messages;
    if (count > MESSAGES_PER_SECOND_MAX || sum > BYTES_PER_SECOND_MAX || bytes.length > MESSAGE_BYTES_MAX) return;
    const message = readMessage(bytes);
    if (message === null) return;
    try {
      this.#take(message, from, nowMs);
    } catch (error) {
      // A failure of ours in a message ends that message.
      this.#context.refuse(`mdns message of ${from}`, error);
    }
  }

  #take(message: DnsMessage, from: string, nowMs: number): void {
    this.#responder.hear(message);
    if (!message.isAnswer) return;
    this.#neighbours.hear([...message.answers, ...message.additionals], { from, nowMs });
    this.#soonTimer ??= setTimeout(() => {
      this.#soonTimer = null;
      this.#report();
    }, STILL_MS);
  }

  #look(): void {
    const nowMs = this.#context.clock.nowMs();
    this.#neighbours.expire(nowMs);
    const due = this.#neighbours.takeDue(ASKED_MAX, nowMs).map((name): DnsQuestion => ({ name, type: 'ANY' }));
    for (let at = 0; at < due.length; at += QUESTIONS_MAX) this.#ask(due.slice(at, at + QUESTIONS_MAX));
    this.#report();
  }

  #report(): void {
    const nowMs = this.#context.clock.nowMs();
    if (nowMs - this.#startMs < FIRST_MS) return;
    const readings = new Map(this.#neighbours.known(nowMs).map((one) => [one.name, this.#read(one)]));
    this.#readings = readings;
    const heard = [...readings.values()].flatMap(({ announced }) => announced ?? []);
    const kept = nowMs - this.#startMs < KEPT_MS ? this.#context.kept : [];
    const found = new Set(heard.map(({ instance }) => idOf(instance)));
    const missing = kept.filter((instance) => !found.has(idOf(instance)));
    const all = [...heard, ...missing.map((instance) => ({ instance, where: 'mdns, before the restart' }))];
    const before = this.#reported;
    if (before?.length === all.length && all.every(({ instance }, i) => before[i]?.instance === instance)) return;
    this.#reported = all;
    this.#context.report(all);
  }

  /** Once for the same words: what is refused is refused once. */
  #read({ name, texts, host, port }: Neighbour): Reading {
    const said = `${host} ${port} ${texts.join(' ')}`;
    const before = this.#readings.get(name);
    if (before?.said === said) return before;
    const where = `mdns ${labelIn(name)}`;
    try {
      const instance = instanceFrom(texts, { host, port });
      // What this node says comes back.
      return { said, announced: instance.nodeId === this.#context.nodeId ? null : { instance, where } };
    } catch (error) {
      this.#context.refuse(where, error);
      return { said, announced: null };
    }
  }
}

interface Reading {
  readonly said: string;
  /** Null: of this node itself, or no instance. */
  readonly announced: Announced | null;
}

function readMessage(bytes: Buffer): DnsMessage | null {
  try {
    return decodeDns(bytes);
  } catch {
    // Others use the group as well; what is not DNS is none of ours.
    return null;
  }
}
