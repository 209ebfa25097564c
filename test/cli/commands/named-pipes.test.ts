// A named pipe without a writer in place of a file: to open it in the ordinary way waits for good.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { QEDGE } from '../../support/qedge-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'qedge-pipe-'));
beforeAll(() => {
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  writeFileSync(join(folder, 'file'), 'x');
});
afterAll(() => rmSync(folder, { recursive: true }));

it.each([
  ['check -c pipe'],
  ['run -c pipe'],
  ['simulate pipe'],
  ['decisions replay pipe'],
  ['plan placement --cheapest --service a --from pipe'],
  ['fl plan pipe'],
  ['fl run pipe'],
  ['sign pipe --key file --release 1.0.0'],
  ['sign file --key pipe --release 1.0.0'],
  ['verify file --key 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= --signature pipe'],
])('qedge %s says that it is no regular file, and waits for nothing', { timeout: 60_000 }, (command) => {
  const [program, ...first] = QEDGE;
  // What waits is ended by the limit, with no status.
  const ended = spawnSync(program, [...first, ...command.split(' ')], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 50_000,
  });
  expect(ended.stderr).toContain('no regular file');
  expect([1, 78]).toContain(ended.status);
});
