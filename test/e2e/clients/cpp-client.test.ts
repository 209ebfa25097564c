// The camera of config/clients in C++, compiled and run.
// requires: libcurl

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CLIENTS, frameOf, runClient } from '../../support/client-program.ts';
import { LEFT_MS, nestedLines, startNextStage, TOOK_MS } from '../../support/nested-stage.ts';
import { startProxy } from '../../support/proxy.ts';
import { startInstance } from '../../support/running-binary.ts';

const COMPILE_TIMEOUT_MS = 120_000;

/** What stands around the lines of a stage. */
const nestedProgram = (lines: string): string => `#include <algorithm>
#include <cstdio>
#include <string>
#include <curl/curl.h>
struct Request {
  std::string header(const char*) const { return "${LEFT_MS}"; }
};
static long milliseconds_since(long began) { return began; }
int main(int, char** argv) {
  const Request request;
  const long began = ${TOOK_MS};
  CURL* curl = curl_easy_init();
  curl_easy_setopt(curl, CURLOPT_URL, argv[1]);
${lines}
  return curl_easy_perform(curl);
}
`;

describe('the client in C++', () => {
  let directory = '';
  let program = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'qedge-cpp-'));
    program = join(directory, 'frames');
    writeFileSync(join(directory, 'frame.jpg'), frameOf(5000));
    const flags = ['-Wall', '-Wextra', '-Werror', join(CLIENTS, 'frames.cpp'), '-o', program, '-lcurl'];
    expect(spawnSync('g++', flags, { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    return () => rmSync(directory, { recursive: true });
  }, COMPILE_TIMEOUT_MS);

  it('sends frames, and skips them while it is asked to wait', async () => {
    const instance = await startInstance('left');
    onTestFinished(() => instance.close());
    const { url } = await startProxy([
      { name: 'pilotnet', ports: [instance.port] },
      { name: 'away', ports: [] },
    ]);
    const run = (service: string) => runClient(program, [url, service, join(directory, 'frame.jpg'), '3']);
    expect((await run('pilotnet')).lines).toEqual(['200 left', '200 left', '200 left']);
    const { lines } = await run('away');
    expect(lines[0]).toMatch(/^503 .*no-instance/);
    expect(lines.slice(1)).toEqual(['skipped', 'skipped']);
  });

  it('passes on what is left of its deadline as a stage that asks the next', async () => {
    const { url, deadlines } = await startNextStage();
    const source = join(directory, 'nested.cpp');
    writeFileSync(source, nestedProgram(nestedLines('cpp', url)));
    const nested = join(directory, 'nested');
    const flags = ['-Wall', '-Wextra', '-Werror', source, '-o', nested, '-lcurl'];
    expect(spawnSync('g++', flags, { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    expect(await runClient(nested, [url])).toMatchObject({ status: 0, lines: ['tracked'] });
    expect(deadlines).toHaveLength(1);
    expect(deadlines[0]).toBeGreaterThan(0);
    expect(deadlines[0]).toBeLessThanOrEqual(LEFT_MS - TOOK_MS);
  });
});
