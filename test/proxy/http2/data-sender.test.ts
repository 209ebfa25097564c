import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { DataSender, type DataSource } from '../../../src/proxy/http2/data-sender.ts';
import { Output } from '../../../src/proxy/http2/output.ts';

/** Sends nothing itself: notes whose turn it was. */
function source(name: string, bytes: number, turns: string[]): DataSource & { left: number } {
  return {
    left: bytes,
    get sendable() {
      return this.left > 0;
    },
    sendData(bytesMax) {
      const sent = Math.min(this.left, bytesMax);
      this.left -= sent;
      turns.push(name);
      return sent;
    },
  };
}

function sender(): DataSender {
  return new DataSender(new Output(new Duplex({ read() {}, write() {} }) as unknown as Socket));
}

describe('streams with bytes to be sent', () => {
  it('have a frame each in turn, within the window', () => {
    const turns: string[] = [];
    const one = sender();
    one.window = 0;
    for (const name of ['a', 'b']) one.add(source(name, 40_000, turns));
    one.add(source('c', 10, turns));
    expect(turns).toEqual([]);
    one.open(70_000);
    expect(turns.join('')).toBe('abcaba');
    expect(one.window).toBe(0);
    one.open(20_000);
    expect(turns.join('')).toBe('abcababa');
    expect(one.window).toBe(90_000 - 80_010);
  });

  it.each([
    [10, 20, 70],
    [60, 60, 0],
  ])('use the window once where one of %i bytes brings another of %i', (bytes, brought, left) => {
    const turns: string[] = [];
    const one = sender();
    const first = source('a', bytes, turns);
    const { sendData } = first;
    first.sendData = (bytesMax) => {
      one.add(source('b', brought, turns));
      return sendData.call(first, bytesMax);
    };
    one.window = 100;
    one.add(first);
    expect(turns).toEqual(['a', 'b']);
    expect(one.window).toBe(left);
  });

  it('have one turn however often they are added, and none once they are removed', () => {
    const turns: string[] = [];
    const one = sender();
    one.window = 0;
    const [first, second] = [source('a', 10, turns), source('b', 10, turns)];
    for (let i = 0; i < 3; i++) one.add(first);
    one.add(second);
    one.remove(second);
    one.open(100);
    expect(turns).toEqual(['a']);
    expect(one.window).toBe(90);
  });

  it('keep their places while nothing goes', () => {
    const turns: string[] = [];
    const one = sender();
    one.window = 0;
    for (const name of ['a', 'b', 'c']) one.add(source(name, 10, turns));
    one.open(10);
    one.open(10);
    one.open(10);
    expect(turns).toEqual(['a', 'b', 'c']);
  });
});
