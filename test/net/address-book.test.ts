// What a name stands for, read without waiting where it is known.

import { type AddressInfo, connect, createServer, type LookupFunction } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AddressBook } from '../../src/net/address-book.ts';

type Answer = { readonly error: Error | null; readonly found: unknown };

/** What the book's `lookup` calls back with; `sync` false when that was not before it returned. */
function ask(book: AddressBook, name: string, options: Parameters<LookupFunction>[1] = { all: true }) {
  let answer: Answer | null = null;
  const done = new Promise<Answer>((resolve) => {
    book.lookup(name, options, (error, found) => {
      answer = { error, found };
      resolve(answer);
    });
  });
  return { sync: answer !== null, done };
}

describe('the address book', () => {
  it('answers at once for a known name, in any case and with a dot behind it', async () => {
    const book = new AddressBook();
    book.set('Pi-7.local', { kind: 'known', addresses: ['10.0.0.7', 'fd00::7'] });
    const { sync, done } = ask(book, 'pi-7.LOCAL.');
    expect(sync).toBe(true);
    expect((await done).found).toEqual([
      { address: '10.0.0.7', family: 4 },
      { address: 'fd00::7', family: 6 },
    ]);
    expect((await ask(book, 'pi-7.local', { family: 6 }).done).found).toBe('fd00::7');
  });

  it('takes localhost for the loopback without asking anything', () => {
    const book = new AddressBook();
    for (const name of ['localhost', 'LOCALHOST.', 'app.localhost']) {
      expect(book.get(name)).toEqual({ kind: 'known', addresses: ['127.0.0.1', '::1'] });
    }
  });

  it('fails at once for a name that has no address', async () => {
    const book = new AddressBook();
    book.set('dead.test', { kind: 'failed', reason: 'no answer in time' });
    const { error } = await ask(book, 'dead.test').done;
    expect(error).toMatchObject({
      code: 'ENOTFOUND',
      message: 'name "dead.test" does not resolve: no answer in time',
    });
  });

  it('waits for the first answer about a name that is being asked for', async () => {
    const book = new AddressBook();
    book.set('new.test', { kind: 'pending' });
    const { sync, done } = ask(book, 'new.test');
    expect(sync).toBe(false);
    book.set('new.test', { kind: 'known', addresses: ['127.0.0.1'] });
    expect((await done).found).toEqual([{ address: '127.0.0.1', family: 4 }]);
  });

  it('serves a connection that is opened by name', async () => {
    const server = createServer((socket) => socket.end());
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const book = new AddressBook();
    book.set('node.test', { kind: 'known', addresses: ['127.0.0.1'] });
    const { port } = server.address() as AddressInfo;
    const socket = connect({ host: 'node.test', port, lookup: book.lookup });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    socket.destroy();
  });
});
