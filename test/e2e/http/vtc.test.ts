// The scripts of varnishtest beside this file, against a qedge process: the built executable where there is one.
// requires: varnishtest

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { freePort } from '../../support/listening.ts';
import { startQedge } from '../../support/qedge-process.ts';
import { requireProgram } from '../../support/requires.ts';

const SCRIPTS = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.vtc'));

describe('over the wire', () => {
  it('has scripts to run', () => expect(SCRIPTS.length).toBeGreaterThan(5));

  it.each(SCRIPTS)(
    '%s holds',
    async (script) => {
      const instancePort = await freePort();
      const qedge = await startQedge(
        'vtc',
        `[[service]]
name = "web"
qos = { latency = "2s", success = 0.9, window = "10s" }
policy = "round-robin"
timeout = "5s"
[[service.instances]]
node = "vtc"
id = "a"
url = "http://127.0.0.1:${instancePort}"
[probe]
interval = "1h"
`,
      );
      // The script's server counts connections; the one probe of its distance is to be over when it begins to.
      await vi.waitFor(
        async () => {
          const metrics = await (await fetch(new URL('/metrics', qedge.adminUrl))).text();
          expect(metrics).toMatch(/^qedge_probes_total\{outcome="\w+"\} [1-9]/m);
        },
        { timeout: 30_000 },
      );
      const defines = [`proxy=${new URL(qedge.url).host}`, `instance=127.0.0.1:${instancePort}`];
      const args = [...defines.flatMap((define) => ['-D', define]), '-t', '20', join(import.meta.dirname, script)];
      const { status, stdout } = spawnSync(requireProgram('varnishtest'), args, { encoding: 'utf8' });
      const complaints = stdout.split('\n').filter((line) => line.startsWith('----'));
      expect({ status, complaints }).toEqual({ status: 0, complaints: [] });
    },
    60_000,
  );
});
