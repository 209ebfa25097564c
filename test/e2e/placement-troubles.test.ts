// What a broker does to a node that is set up wrongly, with real brokers: each cause is in the state of the placement.
// requires: mosquitto, openssl

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { troublesOf } from '../../src/app/watch/troubles.ts';
import type { Rng } from '../../src/core/rng.ts';
import { makeCertificates } from '../support/certificates.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { startOldBroker } from '../support/old-broker.ts';
import { startPlacement, type TestPlacement } from '../support/placement.ts';

// Real processes on a machine that may be busy: what counts is that it happens, not how soon.
vi.setConfig({ testTimeout: 240_000 });

const soon = { timeout: 60_000, interval: 25 };

/** Comes back as soon as back-off allows. */
const IMPATIENT: Rng = { next: () => 0 };

const toml = (url: string, mqtt = ''): string => `
[node]
id = "self"
address = "127.0.0.1"
[mqtt]
url = "${url}"
${mqtt}
[[service]]
name = "pilotnet"
qos = { latency = "80ms", success = 0.9, window = "10s" }
`;

const troubles = ({ placement }: TestPlacement): readonly string[] =>
  troublesOf({ names: [], broker: placement.state().broker, sources: [], instanceCounts: new Map() });

describe.each([
  ['MQTT 5', async () => (await startMosquitto()).url],
  ['MQTT 3.1.1', startOldBroker],
])('two nodes with one id over %s', (_, startBroker) => {
  it.each([
    ['with one session, which they take from each other', ''],
    ['with a session each, in which they overwrite each other', 'client_id = "another"'],
  ])('hear of each other, %s', async (_how, mqtt) => {
    const url = await startBroker();
    const first = startPlacement(toml(url), { boot: 'b1', rng: IMPATIENT });
    await vi.waitFor(() => expect(first.placement.state().broker?.connected).toBe(true), soon);
    startPlacement(toml(url, mqtt), { boot: 'b2', rng: IMPATIENT });
    await vi.waitFor(() => expect(troubles(first)).toEqual([expect.stringContaining('each needs a node.id')]), soon);
    expect(first.logLines).toContainEqual(
      expect.objectContaining({ id: 'self', msg: 'another process uses the id of this node at the broker' }),
    );
  });
});

describe('an access list', () => {
  const withList = async (...lines: readonly string[]) => {
    const folder = mkdtempSync(join(tmpdir(), 'qedge-acl-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'acl');
    writeFileSync(file, `${lines.join('\n')}\n`);
    return startPlacement(toml((await startMosquitto({ conf: [`acl_file ${file}`] })).url));
  };

  it('that forbids reading, which Mosquitto does not say, shows by what does not come back', async () => {
    const node = await withList('topic write qedge/#');
    await vi.waitFor(() => expect(troubles(node)).toEqual([expect.stringContaining('does not come back')]), soon);
  });

  it('that forbids writing is said as the broker says it', async () => {
    const node = await withList('topic read qedge/#');
    await vi.waitFor(
      () => expect(troubles(node)).toEqual([expect.stringContaining('let this node write qedge/v1/nodes/self')]),
      soon,
    );
  });
});

describe('TLS on one side alone', () => {
  it('is named, on either side', async () => {
    const { caFile, server } = makeCertificates();
    const [plain, secure] = [await startMosquitto(), await startMosquitto({ tls: { caFile, ...server } })];
    const wrongly = startPlacement(toml(`mqtts://localhost:${plain.port}`, `ca = "${caFile}"`));
    const bare = startPlacement(toml(`mqtt://localhost:${secure.port}`));
    await vi.waitFor(() => {
      expect(troubles(wrongly)).toEqual([expect.stringContaining('mqtt:// instead of mqtts://')]);
      expect(troubles(bare)).toEqual([expect.stringContaining('does it speak TLS (mqtts://)?')]);
    }, soon);
  });
});
