// How long nothing moved on one stream. Node's own timer for that starts again whenever any other stream of the connection
// sends, so that a client which takes one answer could leave all others standing.

import type { QuietSocket } from '../client-connection.ts';

export class StreamTimer implements QuietSocket {
  timeout = 0;
  readonly #onQuiet: (timer: StreamTimer) => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(onQuiet: (timer: StreamTimer) => void) {
    this.#onQuiet = onQuiet;
  }

  setTimeout(ms: number): void {
    this.stop();
    this.timeout = ms;
    this.#timer = setTimeout(quiet, ms, this).unref();
  }

  /** A piece of the body came, or a piece of the answer went. */
  moved(): void {
    this.#timer?.refresh();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  onQuiet(): void {
    this.#onQuiet(this);
  }
}

function quiet(timer: StreamTimer): void {
  timer.onQuiet();
}
