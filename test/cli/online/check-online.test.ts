// `qedge check --online` against a real broker, real instances and a real disk.
// requires: mosquitto, openssl

import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { judgeValidity } from '../../../src/cli/online/certificates.ts';
import { checkOnline } from '../../../src/cli/online/check-online.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { startInstance } from '../../support/http-instance.ts';
import { listening } from '../../support/listening.ts';
import { startMosquitto } from '../../support/mosquitto.ts';
import { publisher, retain } from '../../support/placement.ts';

async function check(text: (folder: string) => string, changedMs = Date.now()) {
  const folder = mkdtempSync(join(tmpdir(), 'qedge-online-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'qedge.toml');
  writeFileSync(file, `[node]\nid = "pi"\n${text(folder)}`);
  utimesSync(file, changedMs / 1000, changedMs / 1000);
  const findings = await checkOnline({ config: loadConfig(file), file, running: false });
  return new Map(
    findings.map(({ subject, ok, detail }) => [subject.replaceAll(folder, '…'), `${ok ? 'ok' : 'bad'}: ${detail}`]),
  );
}

const service = (...urls: readonly string[]): string =>
  `[[service]]\nname = "cam"\nqos.latency = "80ms"\ninstances = ${JSON.stringify(urls)}\n`;

describe('qedge check --online', () => {
  it('finds what works: broker, instance, store, clock', async () => {
    const [broker, { port }] = [await startMosquitto(), await startInstance()];
    const found = await check(
      (folder) =>
        `[store]\npath = "${folder}/state/q.db"\n[mqtt]\nurl = "${broker.url}"\n${service(`http://127.0.0.1:${port}`)}`,
    );
    expect(found.get(`broker ${broker.url}`)).toBe('ok: lets this node in over MQTT 5, and knows 0 nodes');
    expect(found.get(`instance of cam http://127.0.0.1:${port}`)).toMatch(/^ok: takes a connection/);
    expect(found.get('store …/state/q.db')).toMatch(/^ok: can be written/);
    expect(found.get('clock')).toMatch(/^ok: /);
  });

  it('leads a wrong password, a closed port and a dead name to their causes', async () => {
    const broker = await startMosquitto({ users: { pi: 'right' } });
    const mqtt = `[mqtt]\nurl = ["${broker.url}", "mqtt://127.0.0.1:9"]\nusername = "pi"\npassword = "wrong"\n`;
    const found = await check(
      () => `[store]\npath = false\n${mqtt}${service('http://127.0.0.1:9', 'http://dead.invalid')}`,
    );
    expect(found.get(`broker ${broker.url}`)).toMatch(/^bad: .*see mqtt.username and mqtt.password/);
    expect(found.get('broker mqtt://127.0.0.1:9')).toMatch(/^bad: .*nothing listens there/);
    expect(found.get('instance of cam http://127.0.0.1:9')).toMatch(/^bad: .*ECONNREFUSED/);
    expect(found.get('name dead.invalid')).toMatch(/^bad: does not resolve: no/);
    expect(found.get('instance of cam http://dead.invalid:80')).toMatch(/^bad: .*does not resolve/);
  });

  it('finds a node of the same id at the broker', async () => {
    const broker = await startMosquitto();
    await retain(await publisher(broker.url), 'qedge/v1/nodes/pi', { address: '10.0.0.9', boot: 'b' });
    const found = await check(() => `[store]\npath = false\n[mqtt]\nurl = "${broker.url}"\n${service()}`);
    expect(found.get(`broker ${broker.url}`)).toMatch(/^bad: a node "pi" is there already \(.*10\.0\.0\.9/);
  });

  it('finds certificates that end soon, here and at instances', async () => {
    const { caFile, server } = makeCertificates();
    const options = { cert: readFileSync(server.certFile), key: readFileSync(server.keyFile) };
    const https = createServer(options, (_request, response) => response.end());
    onTestFinished(() => void https.close());
    const url = `https://127.0.0.1:${await listening(https)}`;
    const tls = `[proxy.tls]\ncert = "${server.certFile}"\nkey = "${server.keyFile}"\n`;
    const found = await check(() => `[store]\npath = false\n${tls}${service(url)}ca = "${caFile}"\n`);
    expect(found.get(`certificate proxy.tls.cert ${server.certFile}`)).toMatch(/^bad: expires in \d days/);
    expect(found.get(`instance of cam ${url}`)).toMatch(/^bad: expires in \d days/);
  });

  it('doubts a clock that is behind the configuration', async () => {
    const found = await check(() => `[store]\npath = false\n${service()}`, Date.now() + 86_400_000);
    expect(found.get('clock')).toMatch(/^bad: /);
  });
});

describe('the validity of a certificate', () => {
  const certificate = { validFrom: 'Jan  1 00:00:00 2026 GMT', validTo: 'Dec 31 00:00:00 2026 GMT' };
  it.each([
    ['2025-12-31', false, 'is the clock right?'],
    ['2026-06-01', true, 'good until'],
    ['2026-12-15', false, 'expires in 16 days'],
    ['2027-01-02', false, 'expired on'],
  ])('is judged by the clock on %s', (day, ok, words) => {
    const finding = judgeValidity('certificate', certificate, Date.parse(day));
    expect(finding.ok).toBe(ok);
    expect(finding.detail).toContain(words);
  });
});
