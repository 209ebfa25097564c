import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { watchStandardStreams } from '../../src/cli/standard-streams.ts';

function streams() {
  const said: (string | number)[] = [];
  const stdout = new EventEmitter();
  const stderr = Object.assign(new EventEmitter(), { write: (text: string) => said.push(text) });
  watchStandardStreams({ stdout, stderr, exit: (code) => said.push(code) });
  return { stdout, stderr, said };
}

it('a reader that has seen enough ends a command well', () => {
  const { stdout, said } = streams();
  stdout.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  expect(said).toEqual([0]);
});

it('a full disk behind the output is named, and is a failure', () => {
  const { stdout, said } = streams();
  stdout.emit('error', Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }));
  expect(said).toEqual(['qedge: standard output: ENOSPC: no space left on device, write\n', 1]);
});

it('an error text without a reader ends nothing', () => {
  const { stderr, said } = streams();
  stderr.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  expect(said).toEqual([]);
});
