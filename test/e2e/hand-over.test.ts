// A process that hands over to the next keeps its place among its peers, and each of its event loops keeps its port.
// requires: binary-x64, mosquitto

import { once } from 'node:events';
import { appendFileSync, copyFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect as connectTls } from 'node:tls';
import { connect } from 'mqtt';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { makeCertificates } from '../support/certificates.ts';
import { builtExecutable } from '../support/executable.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { PATIENCE } from '../support/patience.ts';
import { startInstance } from '../support/running-binary.ts';
import { type SupervisedOptions, SupervisedQedge } from '../support/supervised.ts';

vi.setConfig({ testTimeout: 240_000 });

const BUILD_TIMEOUT_MS = 300_000;

/** What a successor reads before it serves. */
interface Files {
  readonly cert: string;
  readonly key: string;
  /** Key of another certificate. */
  readonly others: string;
  readonly config: string;
}

describe('a hand-over', () => {
  let executable = '';
  beforeAll(() => {
    executable = builtExecutable('x64');
  }, BUILD_TIMEOUT_MS);

  async function start(options: SupervisedOptions): Promise<SupervisedQedge> {
    const service = new SupervisedQedge(executable, options);
    onTestFinished(() => service.stop());
    await service.start(60);
    return service;
  }

  /** Hands over to the same executable; resolves when the one before has ended. */
  async function handOver(service: SupervisedQedge): Promise<void> {
    const from = service.events.length;
    const first = service.mainPid;
    service.handOver();
    await service.until((line) => line === `left ${first} status 0`, from);
  }

  it('fails no request, on connections that are kept alive as on new ones', async () => {
    const instance = await startInstance();
    onTestFinished(() => instance.close());
    const service = await start({
      config: servedBy(instance.port),
    });
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const outcomes: string[] = [];
    let over = false;
    const loop = async (own: Agent | false): Promise<void> => {
      while (!over) outcomes.push(await outcomeOf(service.proxyUrl, own));
    };
    const load = [agent, agent, agent, agent, agent, false as const].map(loop);
    for (let swap = 0; swap < 3; swap++) await handOver(service);
    over = true;
    await Promise.all(load);
    expect(service.starts()).toBe(4);
    expect(new Set(outcomes)).toEqual(new Set(['200 steering: 0.1']));
  });

  it.each([
    ['a certificate that is none', ({ cert }: Files) => writeFileSync(cert, 'rubbish')],
    ['the key of another certificate', ({ key, others }: Files) => copyFileSync(others, key)],
    ['a configuration with a mistake', ({ config }: Files) => appendFileSync(config, '\n[nonsense]\n')],
  ])('to what cannot serve, with %s, is given up while the one before serves on', async (_what, spoil) => {
    const { server, client } = makeCertificates();
    const service = await start({
      config: '[[service]]\nname = "pilotnet"\nqos.latency = "80ms"\n',
      proxy: `tls = { cert = "${server.certFile}", key = "${server.keyFile}" }`,
    });
    const port = Number(new URL(service.proxyUrl).port);
    const pid = service.mainPid;
    spoil({ cert: server.certFile, key: server.keyFile, others: client.keyFile, config: service.config });
    service.handOver();
    await expect.poll(() => service.log(), PATIENCE).toContain('hand-over failed, this process goes on');
    await visitTls(port, null);
    expect([service.mainPid, service.starts()]).toEqual([pid, 1]);
  });

  it('leaves the announcements of the node where they are', async () => {
    const broker = await startMosquitto();
    const instance = await startInstance();
    onTestFinished(() => instance.close());
    const heard: { readonly topic: string; readonly text: string }[] = [];
    const listener = connect(broker.url);
    onTestFinished(() => void listener.end(true));
    listener.on('message', (topic, payload) => heard.push({ topic, text: payload.toString() }));
    await new Promise((resolve) => listener.once('connect', resolve));
    await listener.subscribeAsync('qedge/v1/nodes/#', { qos: 1 });
    const service = await start({
      config: `[mqtt]\nurl = "${broker.url}"\n[placement]\nallow = ["127.0.0.0/8"]\n[[service]]\nname = "pilotnet"\nqos.latency = "80ms"\n
[[announce]]\nservice = "pilotnet"\nid = "a"\nurl = "http://127.0.0.1:${instance.port}"\n`,
    });
    const boots = (): Set<unknown> =>
      new Set(heard.filter(({ topic }) => /nodes\/supervised$/.test(topic)).map(({ text }) => bootOf(text)));
    await expect.poll(() => boots().size, PATIENCE).toBe(1);
    await expect.poll(() => heard.some(({ topic }) => topic.endsWith('/pilotnet/instances/a')), PATIENCE).toBe(true);
    await handOver(service);
    await expect.poll(() => boots().size, PATIENCE).toBe(2);
    expect(heard.filter(({ text }) => text === '')).toEqual([]);
  });

  it('takes along the sessions of TLS, and a SIGHUP that comes in its middle', async () => {
    const { certFile, keyFile } = makeCertificates().server;
    const service = await start({
      config: '[[service]]\nname = "pilotnet"\nqos.latency = "80ms"\n',
      proxy: `tls = { cert = "${certFile}", key = "${keyFile}" }`,
    });
    const { port } = new URL(service.proxyUrl);
    const { session } = await visitTls(Number(port), null);
    expect((await visitTls(Number(port), session)).reused).toBe(true);
    const [first, from] = [service.mainPid, service.events.length];
    service.handOver();
    await expect.poll(() => service.successorPid, PATIENCE).toBeGreaterThan(0);
    process.kill(first, 'SIGHUP');
    await service.until((line) => line === `left ${first} status 0`, from);
    expect((await visitTls(Number(port), session)).reused).toBe(true);
    // Once by each of the two: the new one may have read the file before the signal came.
    await expect.poll(() => service.log().split('"msg":"configuration reloaded"').length - 1, PATIENCE).toBe(2);
  });

  it('is one of all event loops, each with a socket of its own', async () => {
    const instance = await startInstance();
    onTestFinished(() => instance.close());
    const service = await start({
      config: servedBy(instance.port),
      proxy: 'workers = 3',
      sockets: 3,
    });
    const statuses: number[] = [];
    const request = async (): Promise<void> => {
      const headers = { 'x-qedge-service': 'pilotnet', connection: 'close' };
      statuses.push((await fetch(service.proxyUrl, { headers })).status);
    };
    let over = false;
    const load = (async () => {
      while (!over) await request();
    })();
    await handOver(service);
    over = true;
    await load;
    // The kernel spreads connections over the sockets: one that no process accepts from would keep a request for ever.
    await Promise.all(Array.from({ length: 100 }, request));
    expect(new Set(statuses)).toEqual(new Set([200]));
  });
});

/** A request over TLS: whether it resumed `session`, and the session to resume next. */
async function visitTls(port: number, session: Buffer | null): Promise<{ reused: boolean; session: Buffer }> {
  const socket = connectTls({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ...(session === null ? {} : { session }),
  });
  let next: Buffer = Buffer.alloc(0);
  socket.on('session', (ticket: Buffer) => {
    next = ticket;
  });
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  const reused = socket.isSessionReused();
  socket.destroy();
  return { reused, session: next };
}

/** Status and body, or what went wrong. */
function outcomeOf(url: string, agent: Agent | false): Promise<string> {
  return new Promise((resolve) => {
    const failed = (error: Error): void => resolve(error.message);
    const sent = request(url, { agent, headers: { 'x-qedge-service': 'pilotnet' } }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve(`${response.statusCode} ${text}`));
      response.on('error', failed);
    });
    sent.on('error', failed);
    sent.end();
  });
}

/** Nothing is late, however busy the machine is: where nearly all is, requests are refused, with a hand-over or without. */
const servedBy = (port: number): string =>
  `[[service]]\nname = "pilotnet"\nqos.latency = "60s"\ntimeout = "120s"\ninstances = ["http://127.0.0.1:${port}"]\n`;

const bootOf = (text: string): unknown => (JSON.parse(text) as { readonly boot?: unknown }).boot;
