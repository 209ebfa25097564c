// Containers, as an engine of the test lists them over a real socket.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { configFrom } from '../../support/config.ts';
import { PATIENCE } from '../../support/patience.ts';
import { startPlacement, type TestPlacement } from '../../support/placement.ts';

interface Engine {
  readonly socket: string;
  /** What is listed from now on. */
  list(containers: unknown): void;
  /** Something happened to a container. */
  say(): void;
  /** Ends the events, as an engine does that starts again. */
  end(): void;
  readonly asked: readonly string[];
  start(): Promise<void>;
  stop(): void;
}

function engine(): Engine {
  const folder = mkdtempSync(join(tmpdir(), 'qedge-engine-'));
  const socket = join(folder, 'engine.sock');
  const asked: string[] = [];
  const followers = new Set<ServerResponse>();
  let containers: unknown = [];
  const server = createServer((request, response) => {
    const url = request.url ?? '';
    asked.push(`${request.method} ${decodeURIComponent(url)}`);
    if (url.startsWith('/events')) {
      response.writeHead(200).flushHeaders();
      followers.add(response);
    } else if (typeof containers === 'string') response.end(containers);
    else response.end(JSON.stringify(containers));
  });
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  onTestFinished(() => {
    stop();
    rmSync(folder, { recursive: true });
  });
  return {
    socket,
    asked,
    list: (now) => {
      containers = now;
    },
    say: () => {
      for (const follower of followers) follower.write('{"Type":"container","Action":"start"}\n');
    },
    end: () => {
      for (const follower of followers) follower.end();
      followers.clear();
    },
    start: () => new Promise((resolve) => server.listen(socket, resolve)),
    stop,
  };
}

const config = (socket: string, more = ''): string => `
[node]
id = "self"
[placement.docker]
socket = "${socket}"
${more}
[[service]]
name = "pilotnet"
qos.latency = "80ms"
`;

const container = (
  name: string,
  facts: { labels?: object; ports?: unknown[]; address?: string; status?: string } = {},
) => ({
  Id: `id-of-${name}`,
  Names: [`/${name}`],
  Labels: { 'qedge.service': 'pilotnet', ...facts.labels },
  State: 'running',
  Status: facts.status ?? 'Up 5 minutes',
  Ports: facts.ports ?? [{ PrivatePort: 9000, Type: 'tcp' }],
  NetworkSettings: { Networks: { bridge: { IPAddress: facts.address ?? '172.17.0.2' } } },
});

const trouble = ({ placement }: TestPlacement): string | null => placement.state().sources[0]?.trouble ?? null;
const places = ({ placement }: TestPlacement): readonly string[] =>
  placement
    .state()
    .instances.map(({ key, instance: { host, port } }) => `${key} ${host} ${port}`)
    .sort();
const details = ({ logLines }: TestPlacement): readonly unknown[] =>
  logLines.map(({ detail }) => detail).filter(Boolean);

describe('a container with labels', () => {
  it('is an instance on this node, at its published port or its address in a network', async () => {
    const docker = engine();
    const published = [
      { IP: '::', PrivatePort: 80, PublicPort: 32769, Type: 'tcp' },
      { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 32768, Type: 'tcp' },
      { PrivatePort: 53, Type: 'udp' },
    ];
    docker.list([
      container('web', {
        ports: published,
        labels: {
          'qedge.scheme': 'h2c',
          'qedge.label.zone': 'a',
          'qedge.profile.energy': '3.5',
          'qedge.profile.x': '{"y":true}',
        },
      }),
      container('inner'),
      container('named', { labels: { 'qedge.id': 'b', 'qedge.port': '9001' }, address: '172.17.0.3' }),
    ]);
    await docker.start();
    const started = startPlacement(config(docker.socket));
    await expect
      .poll(() => places(started), PATIENCE)
      .toEqual(['self/b 172.17.0.3 9001', 'self/inner 172.17.0.2 9000', 'self/web 127.0.0.1 32768']);
    const web = started.placement.state().instances.find(({ key }) => key === 'self/web');
    expect(web).toMatchObject({
      source: 'docker',
      instance: { scheme: 'h2c', labels: { zone: 'a' }, profile: { energy: 3.5, x: { y: true } } },
    });
    expect(docker.asked.every((one) => one.startsWith('GET '))).toBe(true);
    started.placement.configure(configFrom(config(docker.socket, 'address = "container"')));
    await expect.poll(() => places(started), PATIENCE).toContain('self/web 172.17.0.2 80');
  });

  it('comes, falls ill, recovers and goes with the events', async () => {
    const docker = engine();
    await docker.start();
    const { keys, timesKnown } = startPlacement(config(docker.socket));
    await expect.poll(timesKnown, PATIENCE).toBe(1);
    await expect.poll(() => docker.asked.some((one) => one.includes('/events')), PATIENCE).toBe(true);
    for (const [status, expected] of [
      ['Up 1 second (health: starting)', []],
      ['Up 1 minute (healthy)', ['self/web up']],
      ['Up 2 minutes (unhealthy)', []],
      ['Up 3 minutes', ['self/web up']],
    ] as const) {
      docker.list([container('web', { status })]);
      docker.say();
      await expect.poll(keys, PATIENCE).toEqual(expected);
    }
    docker.list([]);
    docker.say();
    await expect.poll(keys, PATIENCE).toEqual([]);
  });

  it('outlives its engine, and the list is read again once that is back', async () => {
    const docker = engine();
    docker.list([container('web')]);
    await docker.start();
    const started = startPlacement(config(docker.socket));
    await expect.poll(started.keys, PATIENCE).toEqual(['self/web up']);
    docker.list([container('web'), container('web-2', { address: '172.17.0.3' })]);
    docker.end();
    await expect.poll(started.keys, PATIENCE).toEqual(['self/web up', 'self/web-2 up']);
    docker.stop();
    await expect.poll(() => trouble(started), PATIENCE).toContain('engine.sock: ');
    expect(started.keys()).toEqual(['self/web up', 'self/web-2 up']);
  });

  it('whose labels make no instance is refused by name, without the others', async () => {
    const docker = engine();
    docker.list([
      container('good'),
      container('without', { ports: [] }),
      container('wrong', { labels: { 'qedge.port': 'http' } }),
      container('scheme', { labels: { 'qedge.scheme': 'ftp' } }),
      container('net', { labels: { 'qedge.network': 'mesh' } }),
      container('meta', { address: '169.254.169.254' }),
      container('own', { ports: [{ IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' }] }),
      null,
    ]);
    await docker.start();
    const started = startPlacement(config(docker.socket));
    await expect.poll(started.keys, PATIENCE).toEqual(['self/good up']);
    expect(details(started)).toEqual([
      'label qedge.port is missing, and the container has 0 ports',
      'label qedge.port is not a port (1 to 65535): "http"',
      'scheme is not one of http, https, h2c: "ftp"'.replace('scheme', 'qedge.scheme'),
      'the container is not in the network "mesh" (qedge.network)',
      'qedge.service is not a text of 1 to 256 characters: nothing',
      'address 169.254.169.254 is link-local (RFC 3927)',
      'address 127.0.0.1:8080 is this qedge itself',
    ]);
  });

  it.each([
    ['is longer than any list', '"'.padEnd(3 * 2 ** 20, 'x'), 'the engine answers more than 2097152 bytes'],
    ['is nested without an end', '['.repeat(100_000), 'nested deeper than 32 levels'],
    ['is no list', '{}', 'the engine answers no list of containers'],
  ])('is not known from an answer that %s', async (_what, answer, expected) => {
    const docker = engine();
    docker.list(answer);
    await docker.start();
    const started = startPlacement(config(docker.socket));
    await expect.poll(() => trouble(started), PATIENCE).toContain(expected);
    expect(started.timesKnown()).toBe(1);
    docker.list([container('web')]);
    docker.say();
    await expect.poll(started.keys, PATIENCE).toEqual(['self/web up']);
    expect(trouble(started)).toBeNull();
  });

  it('is waited for where there is no engine yet', async () => {
    const docker = engine();
    const started = startPlacement(config(docker.socket));
    await expect.poll(() => trouble(started), PATIENCE).toContain('ENOENT');
    docker.list([container('web')]);
    await docker.start();
    await expect.poll(started.keys, PATIENCE).toEqual(['self/web up']);
  });
});
