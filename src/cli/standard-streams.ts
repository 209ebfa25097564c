// What becomes of a command whose output goes nowhere: a pipe without a reader, a full disk.

interface StandardStreams {
  readonly stdout: NodeJS.EventEmitter;
  readonly stderr: NodeJS.EventEmitter & { write(text: string): unknown };
  exit(code: number): void;
}

/** Once, before anything is written. */
export function watchStandardStreams({ stdout, stderr, exit }: StandardStreams): void {
  // Nothing is left to say it to; the exit status says it.
  stderr.on('error', () => {});
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough (`| head`) ends the program, and is no failure of ours.
    if (error.code === 'EPIPE') {
      exit(0);
      return;
    }
    stderr.write(`qedge: standard output: ${error.message}\n`);
    exit(1);
  });
}
