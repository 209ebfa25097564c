// A canary at the doors of the control plane: mutated bytes at the admin port, packets of a hostile broker, announcements,
// configurations, rows of the store and signature files. In any of these cases the process lives and answers, and nothing but
// the error that a door names leaves it. The long form takes `CANARY_INPUTS=10000` at each door. A failure prints its seed,
// and `CANARY_SEED` repeats it.

import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { createServiceRouter } from '../../src/core/create-router.ts';
import { createRng } from '../../src/core/rng.ts';
import { ConfigError } from '../../src/errors.ts';
import { createAddressPolicy } from '../../src/placement/address-policy.ts';
import { BadMessage } from '../../src/placement/messages/bad-message.ts';
import { parseMessage } from '../../src/placement/messages/message.ts';
import { readPlacementRow } from '../../src/store/rows/rows.ts';
import { readLearned, readSnapshot } from '../../src/store/rows/schema.ts';
import { generateKeys, verifyRelease } from '../../src/update/signature.ts';
import { inputsOr, Nothing, runs, SEED, takesOrRefuses } from '../support/canary.ts';
import { CONNACK, startHostileBroker } from '../support/hostile-broker.ts';
import { hostileInput, throwAt } from '../support/hostile-bytes.ts';
import { hostileJson } from '../support/hostile-json.ts';
import { PATIENCE } from '../support/patience.ts';
import { startPlacement } from '../support/placement.ts';
import { startQedge } from '../support/qedge-process.ts';

const INPUTS = inputsOr(100);
const AT_ONCE = 25;
vi.setConfig({ testTimeout: 120_000 + INPUTS * 100 });

const bytesOf = (templates: readonly string[]): fc.Arbitrary<Buffer> =>
  hostileInput(templates.map((text) => Buffer.from(text, 'latin1'))).map(({ bytes }) => bytes);

/** Tries `take` with many mutations; what it throws must be what the door names. */
function holds(
  templates: readonly string[],
  take: (bytes: Buffer) => void,
  named: abstract new (...args: never[]) => Error,
): void {
  takesOrRefuses({ inputs: bytesOf(templates), numRuns: INPUTS }, take, named);
}

const HOST = 'Host: localhost\r\nAuthorization: Bearer s3cret\r\n';
const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const ADMIN = [
  `GET /api/v1/live?since=1 HTTP/1.1\r\n${HOST}${UPGRADE}\r\n\x81\x85\0\0\0\0hello`,
  `GET // HTTP/1.1\r\n${HOST}${UPGRADE}\r\n`,
  `GET /api/v1/state HTTP/1.1\r\n${HOST}Cookie: qedge_session=a.1.b\r\n\r\n`,
  `GET /api/v1/services/svc/trace?durationMs=10 HTTP/1.1\r\n${HOST}\r\n`,
  `GET /api/v1/services/%2f/explain?client=%ff HTTP/1.1\r\n${HOST}\r\n`,
  `POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n{"token":"s3cret"}`,
  `PUT /api/v1/log-level HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 16\r\n\r\n{"level":"warn"}`,
  `POST /api/v1/services/svc/policy HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n{"name":"random"}\r\n0\r\n\r\n`,
  `DELETE /api/v1/session HTTP/1.1\r\n${HOST}Cookie: qedge_session=x\r\n\r\n`,
  `CONNECT svc:80 HTTP/1.1\r\n${HOST}\r\n`,
];

/** Open sockets of a process. */
const socketsOf = (pid: number): number =>
  readdirSync(`/proc/${pid}/fd`).filter((fd) => linkOf(`/proc/${pid}/fd/${fd}`).startsWith('socket:')).length;

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // Closed meanwhile.
    return '';
  }
}

const SERVICE = '[[service]]\nname = "svc"\nqos = { latency = "80ms", success = 0.9, window = "10s" }\n';

describe('mutated bytes', () => {
  it('at the admin port neither end the process nor leave a connection', async () => {
    const qedge = await startQedge('canary', `[store]\npath = false\n${SERVICE}instances = ["http://127.0.0.1:9"]\n`);
    const port = Number(new URL(qedge.adminUrl).port);
    const ask = async (path: string): Promise<number> =>
      (await fetch(`${qedge.adminUrl}${path}`, { headers: { connection: 'close' } })).status;
    const input = hostileInput(ADMIN.map((text) => Buffer.from(text, 'latin1')));
    const batch = fc.asyncProperty(fc.array(input, { minLength: AT_ONCE, maxLength: AT_ONCE }), async (inputs) => {
      await Promise.all(inputs.map((one) => throwAt(port, one)));
      expect(await ask('/healthz')).toBe(200);
    });
    // From source the dashboard is built when it is asked for first, by a process that stays.
    expect(await ask('/')).toBe(200);
    const before = socketsOf(qedge.pid);
    await fc.assert(batch, runs(Math.ceil(INPUTS / AT_ONCE)));
    await expect.poll(() => ask('/api/v1/services/svc/trace?durationMs=1'), PATIENCE).toBe(200);
    await expect.poll(() => socketsOf(qedge.pid), PATIENCE).toBeLessThanOrEqual(before);
    expect(qedge.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  });

  it('of a broker cost a connection at the most', async () => {
    const packets = [
      '\x90\x04\0\x01\0\0',
      '\x90\x05\0\x01\0\0\x80',
      '\x30\x14\0\x0bqedge/v1/no\0{"a":1}',
      '\x32\x16\0\x0bqedge/v1/no\0\x01\0{"a":1}',
      '\x34\x08\0\x01a\0\x01\0xx',
      '\xd0\0',
      '\xe0\x02\x8e\0',
      '\xf0\x02\x18\0',
      '\x20\x03\0\0\0',
      '\x40\x04\0\x01\0\0',
      '\x50\x04\0\x01\0\0',
      '\x62\x02\0\x01',
      '\xb0\x04\0\x01\0\0',
    ];
    const inputs = fc.sample(bytesOf(packets), { numRuns: INPUTS, seed: SEED });
    let thrown = 0;
    const url = await startHostileBroker((socket, { first }) => {
      if (first) socket.write(CONNACK);
      const bytes = inputs[thrown++ % inputs.length] as Buffer;
      socket.write(bytes);
      if (bytes.length % 3 === 0) socket.end();
      else setTimeout(() => (bytes.length % 2 === 0 ? socket.destroy() : socket.resetAndDestroy()), 10);
    });
    const toml = `[node]\nid = "self"\n[mqtt]\nurl = "${url}"\n${SERVICE}`;
    const many = Array.from({ length: 10 }, () => startPlacement(toml, { rng: { next: () => 0 } }));
    await expect.poll(() => thrown, { timeout: 60_000 + INPUTS * 90, interval: 50 }).toBeGreaterThanOrEqual(INPUTS);
    expect(many.flatMap(({ logLines }) => logLines.filter(({ level }) => Number(level) >= 50))).toEqual([]);
  });
});

describe('the control plane', () => {
  it('takes or refuses a mutated announcement, and changes nothing else', () => {
    const topics = [
      'qedge/v1/nodes/n',
      'qedge/v1/nodes/n/services/s/instances/i',
      'changes/node/n/service/s/instance/i',
    ];
    const addresses = createAddressPolicy({ allow: ['10.0.0.0/8'], ownListeners: () => [], localAddresses: () => [] });
    const context = { prefix: 'qedge/v1', nodeId: 'self', addresses };
    const payloads = [
      '{"address":"10.0.0.1","probe_port":80,"tier":"cloud","labels":{"a":"b"},"boot":"x","pressure":{"cpu":0.5,"power":"mains"}}',
      '{"host":"10.0.0.1","port":80,"scheme":"h2c","labels":{"a":"b"},"profile":{"a":[{"b":[[1]]}]},"boot":"x"}',
      '{"type":"INSTANCE_RUNNING","messageData":{"ipAddress":"10.0.0.1","port":80}}',
    ];
    const json = hostileJson(payloads.map((text) => JSON.parse(text)));
    const inputs = fc.oneof(bytesOf(payloads), json.map(Buffer.from));
    for (const topic of topics) {
      const take = (payload: Buffer): void => void parseMessage({ topic, payload }, context);
      takesOrRefuses({ inputs, numRuns: INPUTS }, take, BadMessage);
    }
  });

  it('takes a mutated configuration, or refuses it with what is wrong', () => {
    const folder = mkdtempSync(join(tmpdir(), 'qedge-canary-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'qedge.toml');
    const texts = [
      `[node]\nid = "n"\nlabels = { a = "b" }\n[proxy]\nlisten = "127.0.0.1:1"\n${SERVICE}instances = ["http://127.0.0.1:9"]\n`,
      `[mqtt]\nurl = ["mqtt://a", "mqtts://b:1"]\n[placement]\nallow = ["10.0.0.0/8", "::1"]\n${SERVICE}constraints = { a = "b" }\n`,
      `a = ${'['.repeat(60)}1${']'.repeat(60)}\n`,
      `${'a.'.repeat(60)}b = 1\n`,
      '[[service]]\nname = """\nx"""\nqos.latency = 1979-05-27T07:32:00Z\nx = 0x1F\n',
    ];
    const take = (bytes: Buffer): void => {
      writeFileSync(file, bytes);
      loadConfig(file, { env: {} });
    };
    holds(texts, take, ConfigError);
    const deep = Buffer.from(`a = ${'['.repeat(5_000)}1${']'.repeat(5_000)}\n`);
    expect(() => take(deep)).toThrow(ConfigError);
  });

  it('restores or drops a mutated row of the store', () => {
    const rows = [
      '{"version":1,"service":"svc","fingerprint":"f","rtts":{"n":1.5},"policy":{"version":1,"unloadedMs":2,"instances":{"n/i":{"weight":1,"credit":0,"samples":[1,2,3,4]}}},"clients":[["c",10,9]]}',
      '{"source":"native","instance":{"service":"svc","nodeId":"n","id":"i","scheme":"http","host":"10.0.0.1","port":80,"labels":{},"profile":{"a":[1]}},"boot":"b"}',
      '{"node":{"id":"n","address":"10.0.0.1","probePort":80,"tier":"cloud","labels":{},"boot":"b","pressure":null},"lostForMs":null}',
    ];
    const qos = { latencyMs: 80, successRatio: 0.9, windowMs: 10_000 };
    const policy = { name: 'qedge', options: {} };
    const router = createServiceRouter({ service: 'svc', qos, policy, localNodeId: 'n', rng: createRng(1), nowMs: 0 });
    const instance = { service: 'svc', nodeId: 'n', id: 'i', scheme: 'http', host: '10.0.0.1', port: 80 } as const;
    router.applyPlacement({ kind: 'instance-set', instance: { ...instance, labels: {}, profile: null } }, 0);
    const { fingerprint } = router.snapshot(0);
    const request = { clientId: 'c', budgetMs: 80, attempt: 0, tried: [] };
    const take = (bytes: Buffer): void => {
      const text = bytes.toString();
      readPlacementRow(text);
      readLearned(text);
      const snapshot = readSnapshot(text);
      if (snapshot === null) return;
      router.restore({ ...snapshot, service: 'svc', fingerprint }, 10, 1_000);
      expect(router.route(request, 1_000)?.key).toBe('n/i');
    };
    holds(rows, take, Nothing);
    const inputs = hostileJson(rows.map((text) => JSON.parse(text))).map(Buffer.from);
    takesOrRefuses({ inputs, numRuns: INPUTS }, take, Nothing);
  });

  it('refuses a mutated signature file', () => {
    const { publicKey } = generateKeys();
    const text = `qedge release 1\nversion 0.2.0\narchitecture x64\nbytes 1\nsha256 ${'0'.repeat(64)}\nsignature ${'A'.repeat(86)}==\n`;
    fc.assert(
      fc.property(bytesOf([text]), (bytes) => {
        expect(() => verifyRelease(bytes.toString(), publicKey)).toThrow();
      }),
      runs(INPUTS),
    );
    expect(() => verifyRelease(text, publicKey)).toThrow(/does not match/);
  });
});
