// Log lines of a worker on their way to the main thread: those of one turn of the event loop go in one message.

export class LineBatch {
  readonly #send: (lines: readonly string[]) => void;
  #lines: string[] = [];

  constructor(send: (lines: readonly string[]) => void) {
    this.#send = send;
  }

  write(line: string): void {
    if (this.#lines.push(line) === 1) setImmediate(() => this.flush());
  }

  flush(): void {
    if (this.#lines.length > 0) this.#send(this.#lines);
    this.#lines = [];
  }
}
