// What is remembered of a request longer than the request lives must not keep its whole head alive.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { GroupTable } from '../../src/core/router/group-table.ts';
import { SessionTable } from '../../src/core/router/session-table.ts';
import { ClientLedger } from '../../src/core/stats/client-ledger.ts';

const REQUESTS = 1_000;
const HEAD_BYTES = 16_384;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that stay for each request whose head was read as one text, and a name in it remembered. */
function keptBytes(remember: (name: string) => void): number {
  const heapBytes = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = heapBytes();
  for (let i = 0; i < REQUESTS; i++) {
    const head = Buffer.alloc(HEAD_BYTES, `client-${i}-with-a-name `).toString('latin1');
    remember(head.slice(0, 30));
  }
  return (heapBytes() - before) / REQUESTS;
}

describe('a name that is remembered', () => {
  it.each([
    [
      'ledger',
      () => new ClientLedger(10_000, REQUESTS),
      (ledger: ClientLedger) => (name: string) => ledger.record(name, true, 0),
    ],
    [
      'table of sessions',
      () => new SessionTable(10_000),
      (table: SessionTable) => (name: string) => table.assign(name, 'a/b', 0),
    ],
    [
      'table of groups',
      () => new GroupTable(REQUESTS),
      (table: GroupTable) => (name: string) => table.observe(name, 1),
    ],
  ] as readonly (readonly [string, () => object, (table: never) => (name: string) => void])[])(
    'does not keep the head of its request in the %s',
    (_name, make, rememberIn) => {
      const table = make();
      expect(keptBytes(rememberIn(table as never))).toBeLessThan(1_500);
      // Alive until here.
      expect(table).toBeDefined();
    },
  );
});
