// The lines of config/clients by which a stage asks the next with what is left of its deadline.
// requires: python3-requests

import { expect, it } from 'vitest';
import { PYTHON, runClient } from '../../support/client-program.ts';
import { LEFT_MS, nestedLines, startNextStage, TOOK_MS } from '../../support/nested-stage.ts';

const PROGRAMS = {
  python: (lines: string) => [
    PYTHON,
    '-c',
    `import time, types, requests
request = types.SimpleNamespace(headers={"X-QEdge-Deadline-Ms": "${LEFT_MS}"})
began, boxes = time.monotonic() - ${TOOK_MS / 1000}, b"boxes"
${lines}print(answer.text)`,
  ],
  js: (lines: string) => [
    process.execPath,
    '--input-type=module',
    '-e',
    `const request = { headers: { 'x-qedge-deadline-ms': '${LEFT_MS}' } };
const [began, boxes] = [performance.now() - ${TOOK_MS}, 'boxes'];
${lines}console.log(await answer.text());`,
  ],
};

it.each(Object.entries(PROGRAMS))(
  'a stage in %s passes on what is left of its deadline',
  async (language, programOf) => {
    const { url, deadlines } = await startNextStage();
    const [command = '', ...args] = programOf(nestedLines(language, url));
    expect(await runClient(command, args)).toMatchObject({ status: 0, lines: ['tracked'] });
    expect(deadlines).toHaveLength(1);
    expect(deadlines[0]).toBeGreaterThan(0);
    expect(deadlines[0]).toBeLessThanOrEqual(LEFT_MS - TOOK_MS);
  },
);
