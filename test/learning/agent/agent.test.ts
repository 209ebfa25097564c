// An agent with a broker and a real command: what comes over the broker chooses values, never a command.

import mqtt from 'mqtt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { section } from '../../../src/config/key.ts';
import { mqttKeys } from '../../../src/config/schema/mqtt.ts';
import { startBroker } from '../../../src/demo/broker.ts';
import { Agent } from '../../../src/learning/agent/agent.ts';
import { createAddressPolicy } from '../../../src/placement/address-policy.ts';
import { createLogger } from '../../../src/telemetry/log.ts';
import { PATIENCE } from '../../support/patience.ts';

/** Reports its part once. */
const COMMAND = `
console.log(JSON.stringify({ round: Number(process.env.FL_EPOCHS), parent: process.env.FL_PARENT }));
process.stdin.resume().on('end', () => process.exit());
`;
const TOPIC = 'qedge/v1/fl/t/nodes/n1';
const PART = {
  generation: 2,
  role: 'client',
  parent: '127.0.0.1:9',
  children: 0,
  epochs: 7,
  local_rounds: 1,
  round: 0,
};

async function start(command: [string, ...string[]] = [process.execPath, '-e', COMMAND]) {
  const broker = await startBroker(0);
  onTestFinished(() => broker.close());
  const client = await mqtt.connectAsync(broker.url);
  onTestFinished(() => client.endAsync(true));
  const heard: Record<string, unknown>[] = [];
  client.on('message', (_, payload) => heard.push(JSON.parse(payload.toString())));
  await client.subscribeAsync('qedge/v1/fl/t/progress/n1');
  const log: Record<string, unknown>[] = [];
  const agent = new Agent({
    node: 'n1',
    host: '127.0.0.1',
    learning: { command, role: 'client', port: 9100, costs: {}, samples: { x: 1 } },
    mqtt: section(mqttKeys({ directory: '/', hostname: 'n1', stateDirectory: null }, 'n1')).parse({ url: broker.url }),
    addresses: createAddressPolicy({ allow: ['127.0.0.0/8'], ownListeners: () => [] }),
    log: createLogger({ level: 'info', nodeId: 'n1', destination: { write: (line) => log.push(JSON.parse(line)) } }),
  });
  agent.start();
  onTestFinished(() => agent.stop());
  const say = (part: object, topic = TOPIC): Promise<unknown> =>
    client.publishAsync(topic, JSON.stringify(part), { retain: true });
  return { agent, client, heard, log, say };
}

describe('an agent', () => {
  it('runs the command of its configuration with its part, and ends it when the part is taken back', async () => {
    const { client, heard, log, say } = await start();
    await say({ ...PART, command: ['touch', '/tmp/owned'] });
    await expect.poll(() => heard, PATIENCE).toEqual([{ round: 7, parent: '127.0.0.1:9', generation: 2 }]);
    await say({ ...PART, generation: 3 });
    await expect.poll(() => heard.map(({ generation }) => generation), PATIENCE).toEqual([2, 3]);
    await client.publishAsync(TOPIC, '', { retain: true });
    await say({ ...PART, generation: 4 });
    await expect.poll(() => heard.map(({ generation }) => generation), PATIENCE).toEqual([2, 3, 4]);
    expect(log.filter(({ msg }) => msg === 'fl command ended')).toEqual([]);
  });

  it('takes the part of another task once the first one is taken back', async () => {
    const { client, heard, log, say } = await start();
    await client.subscribeAsync('qedge/v1/fl/u/progress/n1');
    await say(PART);
    await expect.poll(() => heard.length, PATIENCE).toBe(1);
    await say({ ...PART, epochs: 8 }, 'qedge/v1/fl/u/nodes/n1');
    await expect.poll(() => log.some(({ msg }) => msg === 'part of a task ignored'), PATIENCE).toBe(true);
    await client.publishAsync(TOPIC, '', { retain: true });
    await expect.poll(() => heard.map(({ round }) => round), PATIENCE).toEqual([7, 8]);
  });

  it('tries a command again that cannot be started at all, and stops all the same', async () => {
    const { agent, log, say } = await start([process.execPath, 'a\0b']);
    await say(PART);
    await expect.poll(() => log.find(({ msg }) => msg === 'fl command ended')?.reason, PATIENCE).toMatch(/null bytes/);
    await agent.stop();
  });

  it.each([
    ['an address that placement.allow leaves out', { ...PART, parent: '10.0.0.1:80' }, /outside placement\.allow/],
    ['a metadata service', { ...PART, parent: '169.254.169.254:80' }, /link-local/],
    ['a name in place of an address', { ...PART, parent: 'evil.example:80' }, /parent/],
    ['a snapshot elsewhere', { ...PART, snapshot_url: 'http://10.0.0.1/x' }, /outside placement\.allow/],
    ['epochs that are no number', { ...PART, epochs: '7; rm' }, /epochs/],
    ['no parent', { ...PART, parent: undefined }, /nothing to send the model to/],
  ])('ignores a part with %s', async (_, part, reason) => {
    const { heard, log, say } = await start();
    await say(part);
    await expect.poll(() => log.find(({ msg }) => msg === 'part of a task ignored')?.reason, PATIENCE).toMatch(reason);
    expect(heard).toEqual([]);
  });
});
