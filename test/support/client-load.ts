// Clients that send at a steady rate and write down every answer, to say afterwards that none failed.

import { Agent, request } from 'node:http';
import { onTestFinished } from 'vitest';

export interface ClientLoad {
  readonly sent: number;
  /** Answers by `X-QEdge-Instance`, since the last `forget`. */
  readonly answersBy: ReadonlyMap<string, number>;
  /** What went wrong, one line each. */
  readonly failures: readonly string[];
  forget(): void;
  /** Sends nothing more to that one, and waits for the last answers. */
  leave(url: string): Promise<void>;
  /** Ends sending and waits for the last answers. */
  stop(): Promise<void>;
}

/** Sends `perSecond` requests a second for `service` to each of `urls` until it is stopped. */
export function startClients(urls: readonly string[], service: string, perSecond: number): ClientLoad {
  const agent = new Agent({ keepAlive: true });
  const answersBy = new Map<string, number>();
  const failures: string[] = [];
  const underWay = new Set<Promise<void>>();
  let sent = 0;
  const send = async (url: string): Promise<void> => {
    sent++;
    const startMs = performance.now();
    const answer = await get(url, service, agent);
    if (answer.error === null) answersBy.set(answer.instance, (answersBy.get(answer.instance) ?? 0) + 1);
    else failures.push(`${url} after ${Math.round(performance.now() - startMs)} ms: ${answer.error}`);
  };
  const timers = new Map(
    urls.map((url) => {
      const timer = setInterval(() => {
        const answered = send(url).finally(() => underWay.delete(answered));
        underWay.add(answered);
      }, 1_000 / perSecond);
      return [url, timer] as const;
    }),
  );
  const stop = async (): Promise<void> => {
    for (const timer of timers.values()) clearInterval(timer);
    await Promise.all(underWay);
    agent.destroy();
  };
  onTestFinished(stop);
  return {
    get sent() {
      return sent;
    },
    answersBy,
    failures,
    forget: () => answersBy.clear(),
    leave: async (url) => {
      clearInterval(timers.get(url));
      await Promise.all(underWay);
    },
    stop,
  };
}

function get(url: string, service: string, agent: Agent): Promise<{ instance: string; error: string | null }> {
  return new Promise((resolve) => {
    const req = request(url, { agent, headers: { 'x-qedge-service': service, 'x-client-id': url } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', (error) => resolve({ instance: '', error: error.message }));
      response.once('end', () => {
        const instance = String(response.headers['x-qedge-instance'] ?? '');
        const good = response.statusCode === 200;
        resolve({ instance, error: good ? null : `${response.statusCode} ${Buffer.concat(chunks).toString()}` });
      });
    });
    req.once('error', (error) => resolve({ instance: '', error: error.message }));
    req.end();
  });
}
