// What the page knows: the last state, the events so far and the last minutes of every service. It outlives the
// connection and the proxy itself, so that a restart leaves a gap in the plots and nothing else.

import type { EventDocument, StateDocument } from '../state/state.ts';
import { instanceColour } from './colours.ts';
import { Series } from './series.ts';

/** How the page hears of the node now; `locked`: a token is asked for. */
export type LinkStatus = 'connecting' | 'live' | 'polling' | 'lost' | 'locked';

/** An event as the page lists it. */
export interface PageEvent extends EventDocument {
  /** Unique across restarts of the proxy. */
  readonly id: string;
}

const EVENTS_MAX = 400;

/** What the page knows: the last state, series and events. */
export class Model {
  state: StateDocument | null = null;
  /** Page clock (performance.now) at the last state. */
  receivedMs = 0;
  status: LinkStatus = 'connecting';
  /** Newest first. */
  events: readonly PageEvent[] = [];
  readonly #series = new Map<string, Series>();
  readonly #colours = new Map<string, Map<string, number>>();
  readonly #listeners = new Set<() => void>();

  subscribe(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** True when all events are to be asked for: another process answers, which counts from 1, or its clock was set. */
  takeState(state: StateDocument): boolean {
    const before = this.state?.node.process;
    const now = state.node.process;
    const isOther = before !== undefined && before.startedMs !== now.startedMs;
    // The same process, whose wall clock was set or has drifted: its events have other times from here on.
    if (isOther && before.pid === now.pid && before.uptimeMs <= now.uptimeMs) {
      this.events = [];
      this.#series.clear();
    }
    this.state = state;
    this.receivedMs = performance.now();
    const timeMs = Date.parse(state.time);
    for (const service of state.services) {
      this.series(service.service).append(service, timeMs);
      for (const key of service.instances.map((one) => one.key).sort()) this.colourOf(service.service, key);
    }
    this.changed();
    return isOther;
  }

  takeEvents(events: readonly EventDocument[]): void {
    const known = new Set(this.events.map((event) => event.id));
    const fresh = events
      .map((event) => ({ ...event, id: `${event.time}#${event.sequence}` }))
      .filter((event) => !known.has(event.id));
    if (fresh.length === 0) return;
    this.events = [...fresh, ...this.events].sort(newestFirst).slice(0, EVENTS_MAX);
    this.changed();
  }

  setStatus(status: LinkStatus): void {
    if (this.status === status) return;
    this.status = status;
    this.changed();
  }

  /** An instance keeps its colour while the page is open, as others come and go. */
  colourOf(service: string, key: string): string {
    let indices = this.#colours.get(service);
    if (indices === undefined) {
      indices = new Map();
      this.#colours.set(service, indices);
    }
    let index = indices.get(key);
    if (index === undefined) {
      index = indices.size;
      indices.set(key, index);
    }
    return instanceColour(index);
  }

  series(service: string): Series {
    let series = this.#series.get(service);
    if (series === undefined) {
      series = new Series();
      this.#series.set(service, series);
    }
    return series;
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Times are ISO 8601, all of one length. */
function newestFirst(a: PageEvent, b: PageEvent): number {
  if (a.time === b.time) return b.sequence - a.sequence;
  return a.time < b.time ? 1 : -1;
}
