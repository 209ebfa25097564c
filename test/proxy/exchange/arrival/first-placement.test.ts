// A cold start: the port is open, and where instances run is yet to be heard.

import { describe, expect, it } from 'vitest';
import { instanceAt, type ServiceSpec, serviceOf, startInstance, startProxy, until } from '../../../support/proxy.ts';

const HEADERS = { 'X-QEdge-Service': 'pilotnet' };

/** A proxy whose service has no instance, and how one comes. */
async function coldStart(spec: Partial<ServiceSpec> = {}) {
  const { port } = await startInstance((request, response) => request.pipe(response));
  const { proxy, url } = await startProxy([]);
  const service = serviceOf({ name: 'pilotnet', ports: [], awaited: true, ...spec });
  await proxy.applyServices([service]);
  const place = (): void => {
    const instance = instanceAt('pilotnet', port, 0);
    service.router.applyPlacement({ kind: 'instance-set', instance }, performance.now());
    proxy.placed('pilotnet');
  };
  return {
    proxy,
    url,
    port,
    place,
    isQueued: (count: number) => until(() => proxy.stats().services[0]?.queued === count),
  };
}

describe('a request before the first placement', () => {
  it('waits for the first instance, with its body', async () => {
    const { url, place, isQueued } = await coldStart();
    const ask = (body: string) => fetch(url, { method: 'POST', headers: HEADERS, body });
    const answers = [ask('one'), ask('two')];
    await isQueued(2);
    place();
    expect(await Promise.all(answers.map(async (answer) => (await answer).text()))).toEqual(['one', 'two']);
    await isQueued(0);
  });

  it('is refused once all is known and nothing runs', async () => {
    const { proxy, url, isQueued } = await coldStart();
    const answer = fetch(url, { headers: HEADERS });
    await isQueued(1);
    proxy.placementKnown(['pilotnet']);
    expect((await answer).headers.get('x-qedge-error')).toBe('no-instance');
    expect((await fetch(url, { headers: HEADERS })).status).toBe(503);
  });

  it('waits on when all is known of other services: a reload brought its own since', async () => {
    const { proxy, url, place, isQueued } = await coldStart();
    const answer = fetch(url, { method: 'POST', headers: HEADERS, body: 'one' });
    await isQueued(1);
    proxy.placementKnown(['detector']);
    place();
    expect(await (await answer).text()).toBe('one');
  });

  it('waits no longer than its client', async () => {
    const { url } = await coldStart();
    const answer = await fetch(url, { headers: { ...HEADERS, 'X-QEdge-Deadline-Ms': '30' } });
    expect(answer.headers.get('x-qedge-error')).toBe('deadline-exceeded');
  });

  it('waits no longer than for an instance', async () => {
    const { url, isQueued } = await coldStart({ timeoutMs: 30 });
    const answer = await fetch(url, { headers: HEADERS });
    expect(answer.headers.get('x-qedge-error')).toBe('no-instance');
    await isQueued(0);
  });

  it('is forgotten when its client leaves', async () => {
    const { url, isQueued } = await coldStart();
    const client = new AbortController();
    const answer = fetch(url, { headers: HEADERS, signal: client.signal }).catch(() => 'left');
    await isQueued(1);
    client.abort();
    expect(await answer).toBe('left');
    await isQueued(0);
  });

  it('takes a place among those in flight', async () => {
    const { url, place, isQueued } = await coldStart({ limits: { inFlightMax: 1 } });
    const first = fetch(url, { headers: HEADERS });
    await isQueued(1);
    expect((await fetch(url, { headers: HEADERS })).headers.get('x-qedge-error')).toBe('overloaded');
    place();
    expect((await first).status).toBe(200);
  });

  it('waits on while a reload defines its service otherwise', async () => {
    const { proxy, url, port, isQueued } = await coldStart();
    const ask = (body: string) => fetch(url, { method: 'POST', headers: HEADERS, body });
    const before = ask('before');
    await isQueued(1);
    const renewed = serviceOf({ name: 'pilotnet', ports: [], awaited: true, qos: { latencyMs: 777 } });
    await proxy.applyServices([renewed]);
    const after = ask('after');
    await isQueued(2);
    expect(proxy.stats().inFlight).toBe(2);
    const instance = instanceAt('pilotnet', port, 0);
    renewed.router.applyPlacement({ kind: 'instance-set', instance }, performance.now());
    proxy.placed('pilotnet');
    const texts = [before, after].map(async (answer) => (await answer).text());
    expect(await Promise.all(texts)).toEqual(['before', 'after']);
    expect(proxy.stats().inFlight).toBe(0);
  });

  it('waits no more after a reload once all was known', async () => {
    const { proxy, url } = await coldStart();
    proxy.placementKnown(['pilotnet']);
    await proxy.applyServices([serviceOf({ name: 'pilotnet', ports: [], awaited: true, qos: { latencyMs: 777 } })]);
    expect((await fetch(url, { headers: HEADERS })).status).toBe(503);
  });

  it('is refused when its service goes', async () => {
    const { proxy, url, isQueued } = await coldStart();
    const answer = fetch(url, { headers: HEADERS });
    await isQueued(1);
    await proxy.applyServices([]);
    expect((await answer).status).toBe(503);
  });

  it('is refused at once where nothing will be heard', async () => {
    const { url } = await coldStart({ awaited: false });
    expect((await fetch(url, { headers: HEADERS })).status).toBe(503);
  });
});
