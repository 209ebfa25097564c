// The link to the proxy: a WebSocket while it can be had, else polling, for ever trying to come back.

import type { ServiceHistory } from '../state/history.ts';
import type { DensityDocument, EventDocument, LiveMessage, StateDocument } from '../state/state.ts';
import type { Model } from './model.ts';

const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 5_000;
const POLL_MS = 2_000;
/** A live link that says nothing for this long is taken for dead. */
const SILENCE_MS_MAX = 5_000;

/** The page's way to the node: a WebSocket, polling where that fails, and actions. */
export class Connection {
  readonly #model: Model;
  #socket: WebSocket | null = null;
  #retryMs = RETRY_MS_MIN;
  /** Page clock at which the link last came to be. */
  #openedMs = 0;
  #lastSequence = 0;
  #polling = false;

  constructor(model: Model) {
    this.#model = model;
  }

  start(): void {
    this.#open();
    window.setInterval(() => this.#watch(), 1_000);
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.#socket === null) this.#open();
    });
  }

  history(service: string): Promise<ServiceHistory | null> {
    return getJson(`/api/v1/services/${encodeURIComponent(service)}/history`);
  }

  density(service: string, key: string): Promise<DensityDocument | null> {
    return getJson(`/api/v1/services/${encodeURIComponent(service)}/density?instance=${encodeURIComponent(key)}`);
  }

  /** Asks for an action on a service; answers with what was done, or why not, for people. */
  async act(service: string, action: string, body: object): Promise<string> {
    const answer = await postJson(`/api/v1/services/${encodeURIComponent(service)}/${action}`, body);
    if (answer === null) return 'The proxy does not answer.';
    const said = (await answer.json()) as { readonly done?: string; readonly detail?: string };
    return said.done ?? said.detail ?? answer.statusText;
  }

  /** Null when the token was taken, else why not. */
  async logIn(token: string): Promise<string | null> {
    const answer = await postJson('/api/v1/session', { token });
    if (answer === null) return 'The proxy does not answer.';
    if (answer.status === 401) return 'The admin token is wrong.';
    if (!answer.ok) return answer.status === 429 ? 'Too many wrong tokens: wait a second.' : answer.statusText;
    this.#model.setStatus('connecting');
    this.#open();
    return null;
  }

  #open(): void {
    if (this.#socket !== null) return;
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/live?since=${this.#lastSequence}`);
    this.#socket = socket;
    socket.onopen = () => {
      this.#openedMs = performance.now();
      this.#retryMs = RETRY_MS_MIN;
    };
    socket.onmessage = ({ data }: MessageEvent<string>) => this.#take(JSON.parse(data) as LiveMessage);
    socket.onclose = () => this.#leave(socket);
  }

  #leave(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    void this.#poll();
    window.setTimeout(() => this.#open(), this.#retryMs * (0.75 + Math.random() / 2));
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }

  #take(message: LiveMessage): void {
    if (message.kind === 'events') this.#takeEvents(message.events);
    else this.#takeState(message.state);
    this.#model.setStatus('live');
  }

  #takeEvents(events: readonly EventDocument[]): void {
    this.#lastSequence = Math.max(this.#lastSequence, events.at(-1)?.sequence ?? 0);
    this.#model.takeEvents(events);
  }

  #takeState(state: StateDocument): void {
    if (!this.#model.takeState(state)) return;
    this.#lastSequence = 0;
    void this.#pollEvents();
  }

  /** Notices a dead link that never closed, and keeps polling while there is none. */
  #watch(): void {
    const silentMs = performance.now() - this.#model.receivedMs;
    const socket = this.#socket;
    const isSilent = Math.min(silentMs, performance.now() - this.#openedMs) > SILENCE_MS_MAX;
    if (socket?.readyState === WebSocket.OPEN && isSilent) {
      // A browser waits up to a minute for the other side to close as well.
      socket.onmessage = null;
      socket.close();
      this.#model.setStatus('lost');
      this.#leave(socket);
    }
    if (this.#model.status !== 'live' && silentMs > POLL_MS) void this.#poll();
  }

  async #poll(): Promise<void> {
    if (this.#polling || this.#model.status === 'locked') return;
    this.#polling = true;
    const answer = await fetch('/api/v1/state', { signal: AbortSignal.timeout(SILENCE_MS_MAX) }).catch(() => null);
    this.#polling = false;
    if (answer?.status === 401) this.#model.setStatus('locked');
    else if (answer === null || !answer.ok) this.#model.setStatus('lost');
    else {
      this.#takeState((await answer.json()) as StateDocument);
      await this.#pollEvents();
      if (this.#socket?.readyState !== WebSocket.OPEN) this.#model.setStatus('polling');
    }
  }

  async #pollEvents(): Promise<void> {
    const body = await getJson<{ events: readonly EventDocument[] }>(`/api/v1/events?since=${this.#lastSequence}`);
    if (body !== null) this.#takeEvents(body.events);
  }
}

async function getJson<Body>(path: string): Promise<Body | null> {
  const answer = await fetch(path).catch(() => null);
  return answer?.ok ? ((await answer.json()) as Body) : null;
}

/** Null without an answer. */
function postJson(path: string, body: object): Promise<Response | null> {
  const headers = { 'content-type': 'application/json' };
  return fetch(path, { method: 'POST', headers, body: JSON.stringify(body) }).catch(() => null);
}
