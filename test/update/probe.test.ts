// What a new executable is asked before it is trusted, and what is said of one that answers something else.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CommandError } from '../../src/errors.ts';
import { probeExecutable } from '../../src/update/probe.ts';

/** Asks a program of these lines of shell. */
function probe(lines: string): void {
  const directory = mkdtempSync(join(tmpdir(), 'qedge-probe-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const executable = join(directory, 'new');
  writeFileSync(executable, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  const release = { version: '2.0.0', architecture: 'x64', bytes: 1, sha256: '' } as const;
  probeExecutable(executable, release, { config: 'qedge.toml', env: process.env });
}

const says = (version: string): string => `if [ $1 = version ]; then printf '%s' '${version}'; fi`;

describe('a new executable', () => {
  it('passes when it says the version that was signed, and can read the configuration', () => {
    expect(() => probe(says('{"version":"2.0.0"}'))).not.toThrow();
  });

  it.each([
    [says('{"version":"2.0.1"}'), 'the new executable says that it is 2.0.1, signed was 2.0.0'],
    [says('qedge 2.0.0'), 'the new executable says no version of qedge at "version --json", but "qedge 2.0.0"'],
    [says('null'), 'the new executable says no version of qedge at "version --json", but "null"'],
    [says('{"version":2}'), 'the new executable says no version of qedge at "version --json", but "{\\"version\\":2}"'],
    ['', 'the new executable says no version of qedge at "version --json", but nothing'],
    [`${says('{"version":"2.0.0"}')}; if [ $1 = check ]; then echo no >&2; exit 78; fi`, 'failed at "check" (78): no'],
  ])('that is %j fails with a sentence', (lines, message) => {
    expect(() => probe(lines)).toThrow(CommandError);
    expect(() => probe(lines)).toThrow(message);
  });
});
