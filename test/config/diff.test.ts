// A reload takes over what changed and nothing else.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { diffConfig } from '../../src/config/diff.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'qedge-diff-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const service = (name: string, extra = ''): string =>
  `[[service]]\nname = "${name}"\nqos.latency = "80ms"\ninstances = ["h:1"]\n${extra}\n`;

function load(text: string): Config {
  const file = join(directory, 'qedge.toml');
  writeFileSync(file, text);
  return loadConfig(file, { env: {} });
}

describe('diffConfig', () => {
  it('finds nothing between two readings of one file', () => {
    const text = `${service('a')}${service('b')}\n[[announce]]\nservice = "a"\nurl = "h:1"\n`;
    expect(diffConfig(load(text), load(text))).toMatchObject({ isEmpty: true, live: [], restart: [] });
  });

  it('reports services that come, go, change and stay', () => {
    const before = load(service('stays') + service('goes') + service('changes'));
    const after = load(service('changes', 'timeout = "1s"') + service('stays') + service('comes'));
    const { services, isEmpty } = diffConfig(before, after);
    expect(services.added.map(({ name }) => name)).toEqual(['comes']);
    expect(services.removed.map(({ name }) => name)).toEqual(['goes']);
    expect(services.changed.map((change) => [change.before.timeoutMs, change.after.timeoutMs])).toEqual([
      [10_000, 1000],
    ]);
    expect(isEmpty).toBe(false);
  });

  it('reports ports that open, close and move', () => {
    const before = load(
      service('a', 'listen = "127.0.0.1:1001"') + service('b', 'listen = "127.0.0.1:1002"') + service('c'),
    );
    const after = load(
      service('a', 'listen = "127.0.0.1:1003"') + service('b') + service('c', 'listen = "127.0.0.1:1004"'),
    );
    const { listeners } = diffConfig(before, after);
    expect(listeners.added).toEqual([{ service: 'c', address: { host: '127.0.0.1', port: 1004 } }]);
    expect(listeners.removed).toEqual([{ service: 'b', address: { host: '127.0.0.1', port: 1002 } }]);
    expect(listeners.changed).toMatchObject([
      { before: { address: { port: 1001 } }, after: { address: { port: 1003 } } },
    ]);
  });

  it('takes a restart for where traces go', () => {
    const after = load(`[traces]\nendpoint = "http://c:4318/v1/traces"\n${service('a')}`);
    expect(diffConfig(load(service('a')), after)).toMatchObject({ restart: ['traces'], isEmpty: false });
  });

  it('keeps apart what takes a restart', () => {
    const before = load(`[node]\nid = "a"\n${service('s')}`);
    const after = load(
      `[node]\nid = "b"\n[proxy]\nlisten = "127.0.0.1:1"\ndrain = "1s"\n[log]\nlevel = "warn"\n[mqtt]\nurl = "mqtt://b"\n${service('s')}`,
    );
    const { live, restart } = diffConfig(before, after);
    expect(live).toEqual(['proxy.drainMs', 'mqtt', 'log.level']);
    expect(restart).toEqual(['node.id', 'proxy.listen']);
  });

  it('takes over other certificates while running, but not TLS where there was none', () => {
    const [first, second] = [makeCertificates(), makeCertificates()];
    const tls = ({ server }: Certificates): string =>
      `[proxy.tls]\ncert = "${server.certFile}"\nkey = "${server.keyFile}"\n`;
    const renewed = diffConfig(load(`${tls(first)}${service('s')}`), load(`${tls(second)}${service('s')}`));
    expect(renewed).toMatchObject({ live: ['proxy.tls'], restart: [] });
    const begun = diffConfig(load(service('s')), load(`${tls(second)}${service('s')}`));
    expect(begun.restart).toEqual(['proxy.tls']);
  });
});
