// A qedge as it is run: a process of its own, `qedge run -c FILE`, with ports of its own, distinguished by its log.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { QEDGE } from './qedge-command.ts';

export interface QedgeProcess {
  readonly nodeId: string;
  readonly pid: number;
  /** `http://127.0.0.1:…` of the proxy. */
  readonly url: string;
  readonly adminUrl: string;
  /** Everything it has logged so far. */
  readonly log: readonly Record<string, unknown>[];
  readonly configFile: string;
  readonly configText: string;
  /** `node/instance availability` of the service's instances as its admin port reports them, sorted. */
  keys(service: string): Promise<readonly string[]>;
  /** Sends the signal and waits for the end. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

const START_TIMEOUT_MS = 60_000;

/**
 * Starts `qedge run` with the given TOML, which goes on where the proxy section begins; it ends with the test that
 * is running. Resolves once it is listening.
 */
export async function startQedge(
  nodeId: string,
  toml: string,
  { proxyPort = 0, command = QEDGE }: { readonly proxyPort?: number; readonly command?: readonly string[] } = {},
): Promise<QedgeProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'qedge-process-'));
  const file = join(folder, 'qedge.toml');
  const own = `[node]\nid = "${nodeId}"\naddress = "127.0.0.1"\n[admin]\nlisten = "127.0.0.1:0"\n[proxy]\nlisten = "127.0.0.1:${proxyPort}"\n`;
  const text = own + toml;
  writeFileSync(file, text);
  const [program = '', ...args] = command;
  const child = spawn(program, [...args, 'run', '-c', file], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  const stop = (signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> => {
    child.kill(signal);
    return exited;
  };
  onTestFinished(async () => {
    await stop('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const log: Record<string, unknown>[] = [];
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4_000);
  });
  const started = await new Promise<Record<string, unknown>>((found, failed) => {
    const deadline = setTimeout(() => failed(new Error(`${nodeId} did not start: ${errors}`)), START_TIMEOUT_MS);
    void exited.then((code) => failed(new Error(`${nodeId} ended with ${code}: ${errors}`)));
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = JSON.parse(text) as Record<string, unknown>;
      log.push(line);
      if (line.msg !== 'qedge started') return;
      clearTimeout(deadline);
      found(line);
    });
  });
  const urlOf = (name: string): string => {
    const listeners = started.listeners as readonly { name: string; port: number }[];
    return `http://127.0.0.1:${listeners.find((listener) => listener.name === name)?.port}`;
  };
  const adminUrl = urlOf('admin');
  return {
    nodeId,
    pid: child.pid ?? 0,
    url: urlOf('proxy'),
    adminUrl,
    log,
    configFile: file,
    configText: text,
    keys: (service) => keysOf(adminUrl, service),
    stop,
  };
}

async function keysOf(adminUrl: string, service: string): Promise<readonly string[]> {
  const response = await fetch(`${adminUrl}/api/v1/state`);
  const state = (await response.json()) as {
    readonly services: readonly {
      readonly service: string;
      readonly instances: readonly { readonly key: string; readonly availability: string }[];
    }[];
  };
  const found = state.services.find((one) => one.service === service);
  return (found?.instances ?? []).map(({ key, availability }) => `${key} ${availability}`).sort();
}
