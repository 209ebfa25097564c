// The three lines by which a stage asks the next, as config/clients/README.md shows them in each language.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { CLIENTS } from './client-program.ts';
import { startInstance, startProxy } from './proxy.ts';

/** What the stage before it left, ms, and how much of that this stage has taken. */
export const LEFT_MS = 5000;
export const TOOK_MS = 2000;

/** The lines in one language, for a proxy at `url`. */
export function nestedLines(language: string, url: string): string {
  const page = readFileSync(join(CLIENTS, 'README.md'), 'utf8');
  const shown = page.slice(page.indexOf('**A stage that asks the next.**'));
  const lines = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(shown)?.[1] ?? '';
  if (lines.trim().split('\n').length !== 3) throw new Error(`no three lines of ${language}`);
  return lines.replace('http://127.0.0.1:8080/', url);
}

/** A next stage behind a proxy; the deadlines that it got, ms. */
export async function startNextStage(): Promise<{ readonly url: string; readonly deadlines: readonly number[] }> {
  const deadlines: number[] = [];
  const { port, server } = await startInstance((request, response) => {
    deadlines.push(Number(request.headers['x-qedge-deadline-ms']));
    request.resume();
    response.end('tracked');
  });
  onTestFinished(() => void server.closeAllConnections());
  const { url } = await startProxy([{ name: 'tracker', ports: [port] }]);
  return { url: `${url}/`, deadlines };
}
