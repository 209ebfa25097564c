// requires: mosquitto
//
// A controller whose cable is pulled, on a real Mosquitto.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Controller } from '../../../src/learning/controller/controller.ts';
import { loadTask } from '../../../src/learning/controller/task-file.ts';
import { createLogger } from '../../../src/telemetry/log.ts';
import { startMosquitto } from '../../support/mosquitto.ts';
import { PATIENCE } from '../../support/patience.ts';
import { startRelay } from '../../support/tcp-relay.ts';

const TOPICS = 'qedge/v1/fl/t';

interface Said {
  readonly topic: string;
  readonly text: string;
}

/** A task of one client that is under way, with a controller behind a cable. */
async function rig() {
  const broker = await startMosquitto();
  const cable = await startRelay(broker.port);
  const directory = mkdtempSync(join(tmpdir(), 'qedge-controller-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'task.toml');
  writeFileSync(
    file,
    `task = "t"\nmodel = 10\nbudget = 600\nsettle = "10ms"\n[mqtt]\nurl = "mqtt://127.0.0.1:${cable.port}"\n[end]\nrounds = 9\n[controller]\ndirectory = "models"\n`,
  );
  const other = await mqtt.connectAsync(broker.url);
  onTestFinished(() => other.endAsync(true));
  const said: Said[] = [];
  other.on('message', (topic, payload) => said.push({ topic, text: payload.toString() }));
  await other.subscribeAsync(`${TOPICS}/#`);
  const say = (topic: string, value: unknown) =>
    other.publishAsync(topic, JSON.stringify(value), { retain: true, qos: 1 });
  const costs = { g: 1, c: 1 };
  await say('qedge/v1/nodes/g', {
    address: '127.0.0.1',
    fl: { role: 'global-aggregator', port: 9100, costs, samples: {} },
  });
  await say('qedge/v1/nodes/c', { address: '127.0.0.1', fl: { role: 'client', port: 9101, costs, samples: { x: 5 } } });
  const log: string[] = [];
  const controller = new Controller({
    task: loadTask(file),
    fresh: false,
    log: createLogger({ level: 'info', nodeId: '', destination: { write: (line) => log.push(JSON.parse(line).msg) } }),
  });
  const ended = controller.run();
  onTestFinished(async () => {
    controller.stop();
    await ended;
  });
  const partsSaid = (): readonly Said[] => said.filter(({ topic }) => topic.startsWith(`${TOPICS}/nodes/`));
  await expect.poll(() => new Set(partsSaid().map(({ topic }) => topic)).size, PATIENCE).toBe(2);
  return { cable, say, partsSaid, log };
}

describe('a controller that was cut off', () => {
  it('says its parts again', async () => {
    const { cable, partsSaid } = await rig();
    const parts = partsSaid().slice(-2);
    cable.cut();
    cable.mend();
    await expect.poll(() => partsSaid().length, PATIENCE).toBe(4);
    expect(partsSaid().slice(2)).toEqual(parts);
  });

  it('says nothing where another one took its task meanwhile', async () => {
    const { cable, say, partsSaid, log } = await rig();
    cable.cut();
    await say(`${TOPICS}/controller`, { id: 'other', term: 9 });
    const before = partsSaid().length;
    cable.mend();
    await expect.poll(() => log, PATIENCE).toContain('another controller has the task');
    // They are retained where the parts of the other are.
    expect(partsSaid().slice(before)).toEqual([]);
  });
});
