import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ModelKeeper } from '../../../src/learning/controller/model-keeper.ts';
import { createLogger } from '../../../src/telemetry/log.ts';

interface Rig {
  readonly keeper: ModelKeeper;
  readonly log: readonly Record<string, unknown>[];
}

async function rig(): Promise<Rig> {
  const directory = mkdtempSync(join(tmpdir(), 'qedge-models-'));
  const log: Record<string, unknown>[] = [];
  const keeper = new ModelKeeper({
    task: { name: 't', listen: { host: '127.0.0.1', port: 0 }, address: '127.0.0.1', allow: [], directory },
    log: createLogger({ level: 'info', nodeId: 'c', destination: { write: (line) => log.push(JSON.parse(line)) } }),
    rounds: () => ({ round: 0, roundMax: 100 }),
  });
  onTestFinished(async () => {
    await keeper.close();
    rmSync(directory, { recursive: true, force: true });
  });
  await keeper.start();
  return { keeper, log };
}

describe('the models of a controller that takes over', () => {
  it('are said to lack the rounds of which there is none', async () => {
    const { keeper, log } = await rig();
    const put = await fetch(keeper.admit(), { method: 'PUT', body: 'model', headers: { 'x-fl-round': '7' } });
    expect(put.status).toBe(201);
    await keeper.take(12);
    expect(log.at(-1)).toMatchObject({ msg: 'rounds are lost, there is no later snapshot here', lost: 5, round: 7 });
  });

  it('are complete where the newest is of the last round, and where an earlier run is forgotten', async () => {
    const { keeper, log } = await rig();
    await fetch(keeper.admit(), { method: 'PUT', body: 'model', headers: { 'x-fl-round': '7' } });
    await keeper.take(7);
    await keeper.take('forget');
    expect(log.filter(({ level }) => level === 'warn')).toEqual([]);
    expect(keeper.round).toBe(0);
  });
});
