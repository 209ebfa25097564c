// Snapshots on a real disk and over a real port: whole, or not there.

import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { copySnapshot } from '../../../src/learning/controller/copy-snapshot.ts';
import { SnapshotServer } from '../../../src/learning/controller/snapshot-server.ts';
import { Snapshots } from '../../../src/learning/controller/snapshots.ts';
import { createAddressPolicy } from '../../../src/placement/address-policy.ts';

async function start(): Promise<{ folder: string; snapshots: Snapshots; server: SnapshotServer; url: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'qedge-snapshots-'));
  const snapshots = new Snapshots(folder);
  await snapshots.open();
  const server = new SnapshotServer({
    task: 't',
    listen: { host: '127.0.0.1', port: 0 },
    address: '127.0.0.1',
    snapshots,
    round: () => 4,
    roundMax: () => 100,
    onSnapshot: () => {},
  });
  await server.listen();
  server.admit('secret');
  onTestFinished(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { folder, snapshots, server, url: server.url };
}

function put(url: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(url, { method: 'PUT', body, headers });
}

const policy = (network: string) =>
  createAddressPolicy({ allow: [network], key: 'controller.allow', ownListeners: () => [] });

const digest = (text: string): string => `sha-256=:${createHash('sha256').update(text).digest('base64')}:`;

describe('snapshots', () => {
  it('are put, got, and kept, the newest three', async () => {
    const { folder, url } = await start();
    for (const round of [1, 2, 3, 4, 5]) {
      const response = await put(url, `model ${round}`, {
        'x-fl-round': `${round}`,
        'content-digest': digest(`model ${round}`),
      });
      expect(response.status).toBe(201);
    }
    const response = await fetch(url);
    expect(await response.text()).toBe('model 5');
    expect(response.headers.get('x-fl-round')).toBe('5');
    expect(readdirSync(folder)).toHaveLength(3);
    const again = new Snapshots(folder);
    expect(await again.open()).toEqual([]);
    expect(again.newest).toMatchObject({ round: 5, bytes: 7 });
  });

  it('are of the present round where their sender does not say', async () => {
    const { snapshots, url } = await start();
    await put(url, 'model');
    expect(snapshots.newest?.round).toBe(4);
  });

  it('of an earlier run, with higher rounds, are gone once the first one of another is there', async () => {
    const { folder, url } = await start();
    for (const round of [97, 98, 99]) await put(url, `model ${round}`, { 'x-fl-round': `${round}` });
    await put(url, 'model 1', { 'x-fl-round': '1' });
    expect(await (await fetch(url)).text()).toBe('model 1');
    const again = new Snapshots(folder);
    await again.open();
    expect(again.newest?.round).toBe(1);
  });

  it('that are cut off on their way leave nothing', async () => {
    const { folder, snapshots, url } = await start();
    await put(url, 'whole', { 'x-fl-round': '1' });
    const { port, pathname, search } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`PUT ${pathname}${search} HTTP/1.1\r\nhost: a\r\nx-fl-round: 2\r\ncontent-length: 100000\r\n\r\n`);
    socket.write('a beginning');
    await expect.poll(() => readdirSync(folder).length).toBe(2);
    socket.destroy();
    await expect.poll(() => readdirSync(folder)).toHaveLength(1);
    expect(snapshots.newest?.round).toBe(1);
  });

  it('with other bytes than they say are refused', async () => {
    const { folder, url } = await start();
    expect((await put(url, 'model', { 'content-digest': digest('another') })).status).toBe(400);
    expect((await put(url, 'model', { 'content-digest': 'md5=:abc:' })).status).toBe(400);
    expect((await put(url, '')).status).toBe(400);
    expect((await put(url, 'model', { 'x-fl-round': '101' })).status).toBe(400);
    expect((await put(url, 'model', { 'x-fl-round': 'NaN' })).status).toBe(400);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('without the key of the generation are refused', async () => {
    const { server, snapshots, url } = await start();
    expect((await put(url.replace('secret', 'guessed'), 'model')).status).toBe(403);
    server.admit('next');
    expect((await put(url, 'model')).status).toBe(403);
    server.admit(null);
    expect((await put(server.url, 'model')).status).toBe(403);
    expect(snapshots.newest).toBeNull();
  });

  it('that are cut off on disk are passed over for the one before', async () => {
    const { folder, url } = await start();
    for (const round of [1, 2]) await put(url, `model ${round}`, { 'x-fl-round': `${round}` });
    const [, newest = ''] = readdirSync(folder).sort();
    truncateSync(join(folder, newest), 3);
    const again = new Snapshots(folder);
    expect(await again.open()).toEqual([join(folder, newest)]);
    expect(again.newest?.round).toBe(1);
  });

  it('are copied by a controller that waits, and only whole', async () => {
    const { snapshots, url } = await start();
    await put(url, 'model', { 'x-fl-round': '3' });
    const folder = mkdtempSync(join(tmpdir(), 'qedge-copies-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const copies = new Snapshots(folder);
    await copies.open();
    const sha256 = snapshots.newest?.sha256 ?? '';
    const to = { snapshots: copies, addresses: policy('127.0.0.0/8') };
    await expect(copySnapshot({ url, round: 3, sha256: '0'.repeat(64) }, to)).rejects.toThrow(/SHA-256/);
    expect(copies.newest).toBeNull();
    await copySnapshot({ url, round: 3, sha256 }, to);
    expect(copies.newest).toMatchObject({ round: 3, sha256 });
  });

  it('are copied only from where it is allowed', async () => {
    const { snapshots, url } = await start();
    const copy = (from: string) =>
      copySnapshot({ url: from, round: 3, sha256: '0'.repeat(64) }, { snapshots, addresses: policy('10.0.0.0/8') });
    await expect(copy(url)).rejects.toThrow('address 127.0.0.1 is outside controller.allow');
    await expect(copy('http://[::1]:9/')).rejects.toThrow('address ::1 is outside controller.allow');
    await expect(copy('http://169.254.169.254/')).rejects.toThrow(/link-local/);
    await expect(copy('http://model.example/')).rejects.toThrow(/not an IPv4 or IPv6 address/);
  });

  it('are read, and not replaced, with the key that the state shows', async () => {
    const { server, snapshots, url } = await start();
    await put(url, 'model', { 'x-fl-round': '3' });
    const { readUrl } = server;
    expect(readUrl).not.toContain('secret');
    expect(await (await fetch(readUrl)).text()).toBe('model');
    expect((await put(readUrl, 'another')).status).toBe(403);
    server.admit('next');
    expect((await fetch(readUrl)).status).toBe(403);
    expect(snapshots.newest).toMatchObject({ round: 3, bytes: 5 });
  });

  it('answer other paths and methods', async () => {
    const { url } = await start();
    expect((await fetch(url)).status).toBe(404);
    expect((await fetch(new URL('/other', url))).status).toBe(404);
    const status = await new Promise((resolve) => {
      request(url, { method: 'DELETE' }, (response) => resolve(response.resume().statusCode)).end();
    });
    expect(status).toBe(405);
  });
});
