// Tasks spread over worker threads, one at a time each: the file that is given answers each message with a result.

import { isMainThread, parentPort, Worker } from 'node:worker_threads';

export interface ThreadsOptions {
  /** Module that calls `answerTasks`. */
  readonly file: string;
  readonly jobs: number;
  readonly onDone: (done: number) => void;
}

/** Results in the order of the tasks. */
export async function runInThreads<Task, Result>(tasks: readonly Task[], options: ThreadsOptions): Promise<Result[]> {
  const results = new Map<number, Result>();
  let next = 0;
  const work = (): Promise<void> =>
    new Promise((done, failed) => {
      const worker = new Worker(options.file);
      let current = -1;
      const take = (): void => {
        current = next++;
        if (current < tasks.length) worker.postMessage(tasks[current]);
        else worker.terminate().then(() => done(), failed);
      };
      worker.on('message', (result: Result) => {
        results.set(current, result);
        options.onDone(results.size);
        take();
      });
      worker.on('error', failed);
      take();
    });
  await Promise.all(Array.from({ length: options.jobs }, work));
  return tasks.flatMap((_, n) => results.get(n) ?? []);
}

/** In a worker thread, answers each task; does nothing in the main thread. */
export function answerTasks<Task, Result>(run: (task: Task) => Result): void {
  if (!isMainThread) parentPort?.on('message', (task: Task) => parentPort?.postMessage(run(task)));
}
