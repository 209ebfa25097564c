import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeCertificates } from '../../support/certificates.ts';
import { cli } from '../../support/cli.ts';

const PORTS = '[proxy]\nlisten = "127.0.0.1:0"\n[admin]\nlisten = "127.0.0.1:0"\n';
const SERVICE = '[[service]]\nname = "s"\nqos.latency = "80ms"\ninstances = ["http://127.0.0.1:9"]\n';

function fileOf(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'qedge-check-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'qedge.toml');
  writeFileSync(file, text);
  return file;
}

const check = (text: string, ...options: readonly string[]) => cli('check', '-c', fileOf(text), ...options);

describe('qedge check', () => {
  it("refuses a key that is not the certificate's", async () => {
    const { server, client } = makeCertificates();
    const tls = `[proxy.tls]\ncert = "${server.certFile}"\nkey = "${client.keyFile}"\n`;
    const { status, err } = await check(PORTS + tls + SERVICE);
    expect(status).toBe(78);
    expect(err).toContain(`proxy.tls.key: ${client.keyFile} is not the key of ${server.certFile}`);
  });

  it('names the key of a list of instances that is not there', async () => {
    const { status, err } = await check(`${PORTS}${SERVICE}[placement.file]\npath = "/no/such/list"\n`);
    expect([status, err]).toEqual([78, 'qedge.toml: placement.file.path: no such file: /no/such/list\n']);
  });

  it('refuses a CA that is rubbish', async () => {
    const ca = fileOf('rubbish');
    const { status, err } = await check(`${PORTS}${SERVICE}ca = "${ca}"\n`);
    expect(status).toBe(78);
    expect(err).toContain(`service.ca: no certificate (PEM) in ${ca}`);
  });

  it('refuses an announcement that nothing could use', async () => {
    const announce = '[[announce]]\nservice = "ss"\nurl = "http://127.0.0.1:9"\n';
    const { status, err } = await check(PORTS + SERVICE + announce);
    expect(status).toBe(78);
    expect(err).toMatch(/announce\.service: no \[\[service\]\] is named "ss".*did you mean "s"\?/);
  });

  it('names an unknown policy beside another mistake of its service', async () => {
    const { err } = await check(`${PORTS}${SERVICE}policy = "qedg"\nadmission = "maybe"\n`);
    expect(err).toContain('service.policy: unknown policy "qedg"');
    expect(err).toContain('service.admission');
  });

  it('names an unset variable once', async () => {
    const { err } = await check(`[proxy]\nlisten = "\${env:QEDGE_TEST_UNSET}"\n${SERVICE}`);
    expect(err.trim().split('\n')).toEqual([
      expect.stringContaining('environment variable QEDGE_TEST_UNSET is not set'),
    ]);
  });

  it('says which command a scenario is for', async () => {
    const { status, err } = await cli('check', '-c', 'config/scenario.toml');
    expect(status).toBe(78);
    expect(err.trim()).toBe('scenario.toml:1:1: this is a scenario: qedge simulate runs it');
  });

  it.each([
    'config/jetson.toml',
    'config/raspberry-pi.toml',
    'config/compose/qedge.toml',
    'config/clients/triton.toml',
    'config/clients/ollama.toml',
  ])('passes %s off the device', async (file) => {
    expect(await cli('check', '--reload', '-c', file)).toMatchObject({ status: 0, err: '' });
  });

  it('lists the mistakes of watched files, which are no reason to refuse a reload', async () => {
    const file = fileOf(`${PORTS}${SERVICE}[placement.file]\npath = "list.toml"\n`);
    writeFileSync(join(dirname(file), 'list.toml'), '[[instance]]\nservice = "s"\nurl = "http://h:x"\nport = 1\n');
    const refused = await cli('check', '-c', file);
    expect(refused.status).toBe(78);
    expect(refused.err).toContain('list.toml:3:1: instance[0].url: expected an address');
    const reload = await cli('check', '--reload', '-c', file);
    expect(reload).toMatchObject({ status: 0, err: '' });
    expect(reload.out).toContain('list.toml:3:1: instance[0].url: expected an address');
  });

  it('says that nothing will be saved where no instance of a watched file says what it takes', async () => {
    const service = '[[service]]\nname = "s"\nqos.latency = "80ms"\n[service.objective]\nleast = "energy"\n';
    const file = fileOf(`${PORTS}${service}[placement.file]\npath = "list.toml"\n`);
    const list = (more: string): void =>
      writeFileSync(
        join(dirname(file), 'list.toml'),
        `[[instance]]\nservice = "s"\nurl = "http://10.0.0.7:9"\n${more}`,
      );
    const note = 'no instance has energy_mwh in its profile, so that nothing is saved';
    list('');
    expect((await cli('check', '-c', file)).out).toContain(note);
    list('profile = { energy_mwh = 0.1 }\n');
    expect((await cli('check', '-c', file)).out).not.toContain(note);
  });

  it('reports to programs as JSON what it reports to people', async () => {
    const good = await check(PORTS + SERVICE, '--json');
    expect(good.status).toBe(0);
    expect(JSON.parse(good.out)).toMatchObject({ ok: true, problems: [] });
    const bad = await check(`${PORTS}${SERVICE}colour = 1\n`, '--json');
    expect(bad).toMatchObject({ status: 78, err: '' });
    expect(JSON.parse(bad.out)).toMatchObject({ ok: false, problems: [{ line: 9, path: 'service.colour' }] });
  });
});
