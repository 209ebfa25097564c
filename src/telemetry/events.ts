// What happened lately, for people: a bounded ring of events, each numbered and stamped with both clocks, so that a
// reader that lost the connection asks for what came after the last number it saw.

/** An event with its number and its time. */
export interface EventEntry<Event> {
  /** 1, 2, 3… since this process started; a gap means that the ring had already dropped some. */
  readonly sequence: number;
  /** Wall clock, ms since the epoch, as it is set when this is read. */
  readonly wallMs: number;
  /** The driver's monotonic clock, the axis on which times inside `event` are given. */
  readonly clockMs: number;
  /** Null for what concerns the node as a whole. */
  readonly service: string | null;
  readonly event: Event;
}

export interface EventLogOptions {
  /** Entries kept; the oldest leave first. */
  readonly entriesMax?: number;
  /** A time of the driver's clock as wall clock, ms since the epoch. */
  readonly wallMsOf: (clockMs: number) => number;
}

export type EventListener<Event> = (entry: EventEntry<Event>) => void;

/** The last events, in a ring; the oldest is dropped for a new one. Listeners are called at once. */
export class EventLog<Event extends { readonly kind: string }> {
  static readonly entriesMaxDefault = 1000;
  readonly #entriesMax: number;
  readonly #wallMsOf: (clockMs: number) => number;
  readonly #ring: EventEntry<Event>[] = [];
  readonly #listeners = new Set<EventListener<Event>>();
  readonly #counts = new Map<Event['kind'], number>();
  #sequence = 0;

  constructor(options: EventLogOptions) {
    this.#entriesMax = options.entriesMax ?? EventLog.entriesMaxDefault;
    this.#wallMsOf = options.wallMsOf;
  }

  /** Number of the newest entry; 0 before the first. */
  get lastSequence(): number {
    return this.#sequence;
  }

  /** Events ever appended, by kind. */
  get countsByKind(): ReadonlyMap<Event['kind'], number> {
    return this.#counts;
  }

  /** Takes one event in. `nowMs` is on the driver's clock. */
  append(service: string | null, event: Event, nowMs: number): EventEntry<Event> {
    this.#sequence++;
    const wallMsOf = this.#wallMsOf;
    const entry: EventEntry<Event> = {
      sequence: this.#sequence,
      clockMs: nowMs,
      service,
      event,
      get wallMs() {
        return wallMsOf(nowMs);
      },
    };
    this.#ring[(this.#sequence - 1) % this.#entriesMax] = entry;
    this.#counts.set(event.kind, (this.#counts.get(event.kind) ?? 0) + 1);
    for (const listener of this.#listeners) listener(entry);
    return entry;
  }

  /** Entries numbered above `sequence` that are still kept, oldest first. */
  since(sequence: number): readonly EventEntry<Event>[] {
    const oldest = Math.max(1, this.#sequence - this.#entriesMax + 1);
    const entries: EventEntry<Event>[] = [];
    for (let at = Math.max(oldest, sequence + 1); at <= this.#sequence; at++) {
      const entry = this.#ring[(at - 1) % this.#entriesMax];
      if (entry !== undefined) entries.push(entry);
    }
    return entries;
  }

  /** Calls `listener` at every append until the returned function is called. */
  subscribe(listener: EventListener<Event>): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
