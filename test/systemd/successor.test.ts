// A successor is a process of its own, started as it is in the field; here it is a script that says what it was given.

import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Successor, startSuccessor } from '../../src/systemd/successor.ts';
import { listening } from '../support/listening.ts';

const MODULES = ['predecessor', 'sockets'].map((name) => join(import.meta.dirname, `../../src/systemd/${name}.ts`));

/** Takes its turn, answers each connection with its environment, and goes when it is in charge. */
const GOOD = `
  const predecessor = findPredecessor();
  const env = [process.env.LISTEN_PID === String(process.pid), process.env.LISTEN_FDNAMES, process.env.WATCHDOG_PID, process.env.QEDGE_HANDOVER_FD,
    process.env.QEDGE_HANDOVER_STORE, predecessor.store];
  env.push(await predecessor.turn());
  const [fd] = inheritedSockets().get('proxy');
  const server = createServer((socket) => socket.end(JSON.stringify([process.ppid, process.argv.slice(2), ...env])));
  server.listen({ fd }, () => predecessor.succeed().then(() => server.close()));`;

const TICKETS = 'abcd 60000';

describe('a successor', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'qedge-successor-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  async function start(script: string, stepMsMax = 60_000, sockets = new Map<string, number[]>()): Promise<Successor> {
    const executable = join(directory, 'successor.mts');
    const imports = `import { createServer } from 'node:net';
      import { findPredecessor } from '${MODULES[0]}'; import { inheritedSockets } from '${MODULES[1]}';`;
    writeFileSync(executable, `#!${process.execPath}\n${imports}\n${script}`);
    chmodSync(executable, 0o755);
    const env = { PATH: process.env.PATH, WATCHDOG_PID: '1' };
    const store = '/var/lib/qedge/qedge.db';
    const successor = await startSuccessor({ executable, args: ['run', "-c it's"], sockets, store, env, stepMsMax });
    onTestFinished(() => successor.kill());
    return successor;
  }

  it('serves on the sockets it was given before its predecessor lets go of them, and is no child of it', async () => {
    const listener = createServer();
    const port = await listening(listener);
    const { fd } = (listener as Server & { _handle: { fd: number } })._handle;
    const successor = await start(GOOD, 60_000, new Map([['proxy', [fd]]]));
    await successor.prepared();
    await successor.serve(TICKETS);
    listener.close();
    const client = connect(port, '127.0.0.1');
    const [said] = await once(client, 'data');
    const [parent, args, ...env] = JSON.parse(String(said));
    expect(parent).not.toBe(process.pid);
    expect(args).toEqual(['run', "-c it's"]);
    expect(env).toEqual([true, 'proxy', null, null, null, '/var/lib/qedge/qedge.db', TICKETS]);
    successor.charge();
    await successor.ended;
  });

  it('that ends before its turn is distinguished from one that takes too long', async () => {
    const ended = await start('process.exit(1);');
    await expect(ended.prepared()).rejects.toThrow('it did not become ready: it ended');
    const hangs = await start('setInterval(() => {}, 1000);', 100);
    await expect(hangs.prepared()).rejects.toThrow('it did not become ready within 0.1 s');
  });

  it('that ends after its turn began is found out', async () => {
    const successor = await start('await findPredecessor().turn(); process.exit(1);');
    await successor.prepared();
    await expect(successor.serve(TICKETS)).rejects.toThrow('it did not serve: it ended');
  });

  it('that cannot even be started is an error of its own', async () => {
    const successor = await startSuccessor({
      executable: join(directory, 'nothing'),
      args: [],
      sockets: new Map(),
      env: { PATH: process.env.PATH },
    });
    await expect(successor.prepared()).rejects.toThrow('it ended');
  });
});
