import { createServer } from 'node:net';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { DataPlane } from '../../../src/app/data-plane/data-plane.ts';
import type { Instance } from '../../../src/core/domain.ts';
import { createRng } from '../../../src/core/rng.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { configFrom } from '../../support/config.ts';
import { deadPort, until } from '../../support/proxy.ts';

const TOML = `
[node]
id = "pi-7"
[proxy]
listen = "127.0.0.1:0"
[[service]]
name = "a"
qos.latency = "80ms"
policy = "round-robin"
`;

const instance = (id: string, host = '127.0.0.1'): Instance => ({
  service: 'a',
  nodeId: `node-${id}`,
  id,
  scheme: 'http',
  host,
  port: 9000,
  labels: {},
  profile: null,
});

function dataPlane(toml = TOML, metrics = createMetrics()): DataPlane {
  const plane: DataPlane = new DataPlane({
    config: configFrom(toml),
    version: '0',
    clock: { nowMs: () => 0 },
    rng: createRng(1),
    sharedFlights: null,
    log: pino({ level: 'silent' }),
    metrics,
    onEvent: () => {},
    onHealth: (service, { key, healthy }) => void plane.apply({ kind: 'health', service, key, healthy }),
  });
  onTestFinished(() => plane.close());
  return plane;
}

it('a data plane that hears what another recalls is where that one is', async () => {
  const [first, second] = [dataPlane(), dataPlane()];
  for (const one of [instance('1'), instance('2'), instance('3'), instance('4', 'camera.example'), instance('5')]) {
    await first.apply({ kind: 'placement', service: 'a', update: { kind: 'instance-set', instance: one } });
  }
  await first.apply({
    kind: 'placement',
    service: 'a',
    update: { kind: 'instance-availability', key: 'node-1/1', availability: 'suspect' },
  });
  await first.apply({ kind: 'health', service: 'a', key: 'node-2/2', healthy: false });
  await first.apply({ kind: 'drain-instance', service: 'a', key: 'node-3/3', on: true });
  await first.apply({ kind: 'name', name: 'camera.example', resolution: { kind: 'failed', reason: 'gone' } });
  await first.apply({ kind: 'rtt', nodeId: 'node-5', rttMs: 7 });
  for (const message of first.catchUpMessages()) await second.apply(message);
  const seen = (plane: DataPlane): unknown =>
    plane.routers
      .get('a')
      ?.candidates.map(({ key, availability, rttMs, rttKnown }) => ({ key, availability, rttMs, rttKnown }));
  expect(seen(second)).toEqual(seen(first));
  expect(seen(second)).toEqual([
    expect.objectContaining({ key: 'node-1/1', availability: 'suspect' }),
    expect.objectContaining({ key: 'node-2/2', availability: 'suspect' }),
    expect.objectContaining({ key: 'node-3/3', availability: 'draining' }),
    expect.objectContaining({ key: 'node-4/4', availability: 'suspect' }),
    expect.objectContaining({ key: 'node-5/5', availability: 'up', rttMs: 7 }),
  ]);
});

it('an instance that failed its health checks comes back, also after they have changed, or are no more', async () => {
  const checked = (timeout: string): string =>
    `${TOML}health = { kind = "tcp", interval = "20ms", failures_max = 1, timeout = "${timeout}" }\n`;
  const plane = dataPlane(checked('30s'));
  const port = await deadPort();
  const announced = { ...instance('1'), port };
  await plane.apply({ kind: 'placement', service: 'a', update: { kind: 'instance-set', instance: announced } });
  const availability = (): unknown => plane.routers.get('a')?.candidates[0]?.availability;
  await until(() => availability() === 'suspect');
  await plane.apply({ kind: 'configure', config: configFrom(checked('29s')) });
  expect(availability()).toBe('suspect');
  const server = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
  await until(() => availability() === 'up');
  server.close();
  await until(() => availability() === 'suspect');
  await plane.apply({ kind: 'configure', config: configFrom(TOML) });
  expect(availability()).toBe('up');
});

it('a data plane that comes late waits for no first instance that the others wait for no more', async () => {
  const awaiting = `${TOML}[mqtt]\nurl = "mqtt://127.0.0.1:1"\n[placement]\nwait = "1h"\n`;
  const [first, second] = [dataPlane(awaiting), dataPlane(awaiting)];
  await first.apply({ kind: 'placement-known', services: ['a'] });
  for (const message of first.catchUpMessages()) await second.apply(message);
  const [listener] = await second.listen(new Map());
  const answer = await fetch(`http://127.0.0.1:${listener?.port}/`, { headers: { 'x-qedge-service': 'a' } });
  expect([answer.status, answer.headers.get('x-qedge-error')]).toEqual([503, 'no-instance']);
});

it.each([
  ['mqtt', 'url = "mqtt://127.0.0.1:1"'],
  ['placement.file', 'path = "none.d"'],
  ['placement.mdns', ''],
])('a request waits for its first instance as long as [%s] may bring one', async (section, key) => {
  const metrics = createMetrics();
  const plane = dataPlane(`${TOML}[${section}]\n${key}\n`, metrics);
  const [listener] = await plane.listen(new Map());
  let status = 0;
  const answer = fetch(`http://127.0.0.1:${listener?.port}/`, { headers: { 'x-qedge-service': 'a' } });
  const ended = answer.then((response) => {
    status = response.status;
  });
  const isQueued = () => [...metrics.render()].join('').includes('qedge_queued_requests{service="a"} 1');
  await until(() => isQueued() || status !== 0);
  expect(status).toBe(0);
  await plane.apply({ kind: 'placement-known', services: ['a'] });
  await ended;
  expect(status).toBe(503);
});
