import { describe, expect, it } from 'vitest';
import { findProgram, leftOutNotice, needsOf, requireProgram } from './requires.ts';

describe('what a test file needs', () => {
  it('is read from the requires line in its first lines', () => {
    expect(needsOf('// End to end.\n// requires: mosquitto, openssl\n\nimport')).toEqual(['mosquitto', 'openssl']);
  });

  it('is nothing without such a line, or when it comes late', () => {
    expect(needsOf('import { it } from "vitest";\n')).toEqual([]);
    expect(needsOf(`${'\n'.repeat(25)}// requires: mosquitto`)).toEqual([]);
  });

  it('finds a program that every Debian machine has', () => {
    expect(findProgram('sh')).toMatch(/\/sh$/);
    expect(findProgram('no-such-program-anywhere')).toBeNull();
    expect(() => requireProgram('no-such-program-anywhere')).toThrow('no-such-program-anywhere not found');
  });

  it('says once, in one line, what is left out and how to get it', () => {
    expect(leftOutNotice([])).toBeNull();
    const notice = leftOutNotice([
      { file: 'test/e2e/a.test.ts', missing: ['varnishtest', 'binary-x64'] },
      { file: 'test/e2e/b.test.ts', missing: ['mosquitto', 'varnishtest'] },
    ]);
    expect(notice).toBe(
      'LEFT OUT: 2 test file(s) that need more than Node: e2e/a.test.ts, e2e/b.test.ts. ' +
        'To run them too: apt-get install -y mosquitto varnish && npm run build',
    );
  });
});
