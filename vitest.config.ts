import { configDefaults, defineConfig } from 'vitest/config';
import { leftOutFiles, leftOutNotice } from './test/support/requires.ts';

const leftOut = leftOutFiles();
if (process.env.QEDGE_REQUIRE_ALL === '1' && leftOut.length > 0) throw new Error(leftOutNotice(leftOut) ?? '');

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...leftOut.map(({ file }) => file)],
    globalSetup: ['test/support/announce-left-out.ts'],
    // Patience of end-to-end tests on a busy machine; what is fast is not slowed down by it.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Real brokers, browsers and processes on a machine that others use too: a stall of seconds may fail what is right.
    // Whatever needed its second chance is marked "retry" in the output.
    retry: process.env.CI === 'true' ? 2 : 0,
    // End-to-end tests start real processes; two cores carry two files at a time.
    maxWorkers: 2,
  },
});
