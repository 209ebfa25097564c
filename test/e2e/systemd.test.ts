// The service as systemd sees it: units without a complaint, a tight sandbox, sockets that are handed over, and what it
// hears of how the service is.
// requires: binary-x64, systemd-analyze, systemd-socket-activate

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { builtExecutable } from '../support/executable.ts';
import { freePort } from '../support/listening.ts';
import { PATIENCE } from '../support/patience.ts';
import { startInstance } from '../support/running-binary.ts';

const BUILD_TIMEOUT_MS = 300_000;
const EXPOSURE_MAX = 2.0;

describe('the service of systemd', () => {
  let executable = '';
  let directory = '';
  const at = (...names: readonly string[]) => join(directory, ...names);

  beforeAll(() => {
    executable = builtExecutable('x64');
  }, BUILD_TIMEOUT_MS);
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'qedge-systemd-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  describe('installed under another root', () => {
    const UNITS = ['qedge.service', 'qedge.socket', 'qedge-admin.socket'];
    const unitPath = (name: string) => at('etc/systemd/system', name);

    beforeEach(() => {
      const result = spawnSync(executable, ['install', '--root', directory], { encoding: 'utf8' });
      expect(result).toMatchObject({ status: 0, stderr: '' });
      // What the units name is under the other root, where systemd-analyze does not look.
      for (const name of UNITS) {
        const text = readFileSync(unitPath(name), 'utf8').replaceAll('=/usr/local/', `=${directory}/usr/local/`);
        writeFileSync(unitPath(name), text);
      }
    });

    it('has units that systemd-analyze verify has nothing to say about', () => {
      const result = spawnSync('systemd-analyze', ['verify', ...UNITS.map(unitPath)], { encoding: 'utf8' });
      expect(result).toMatchObject({ status: 0, stdout: '', stderr: '' });
    });

    it('has a sandbox that systemd-analyze security rates at most 2.0', () => {
      const args = ['security', '--offline=true', unitPath('qedge.service')];
      const { stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
      const exposure = Number(/Overall exposure level for qedge.service: (\S+)/.exec(stdout)?.[1]);
      expect(exposure).toBeLessThanOrEqual(EXPOSURE_MAX);
    });

    it('has an executable that checks its own commented config', () => {
      const check = spawnSync(at('usr/local/lib/qedge/qedge'), ['check', '-c', at('etc/qedge/qedge.toml')], {
        encoding: 'utf8',
      });
      // Another program may hold its ports here.
      const problems = check.stderr.split('\n').filter((line) => line !== '' && !line.includes('the port is taken'));
      expect(problems).toEqual([]);
    });

    it('is removed without a trace', () => {
      for (const name of UNITS) rmSync(unitPath(name));
      expect(spawnSync(executable, ['uninstall', '--root', directory]).status).toBe(0);
      const left = spawnSync('find', [directory, '-not', '-type', 'd'], { encoding: 'utf8' });
      expect(left.stdout).toBe('');
    });
  });

  it('shows in a dry run what it would write, and writes nothing', () => {
    const result = spawnSync(executable, ['install', '--dry-run', '--root', directory], { encoding: 'utf8' });
    expect(result.stdout).toContain('file /etc/systemd/system/qedge.service (644):\n    [Unit]\n');
    expect(result.stdout).toMatch(/^file \/etc\/qedge\/qedge\.schema\.json \(644\): \d+ characters of JSON$/m);
    expect(spawnSync('find', [directory, '-mindepth', '1'], { encoding: 'utf8' }).stdout).toBe('');
  });

  describe('activated through a socket', () => {
    let activator: ChildProcess;
    let manager: { readonly messages: string[]; stop(): void };
    let instance: Awaited<ReturnType<typeof startInstance>>;
    let port = 0;

    beforeEach(async () => {
      instance = await startInstance();
      manager = await startManager(at('notify'));
      port = await freePort();
      writeFileSync(at('qedge.toml'), configFor(instance.port));
      const env = { NOTIFY_SOCKET: at('notify'), WATCHDOG_USEC: '400000' };
      const settings = Object.entries(env).flatMap(([name, value]) => ['-E', `${name}=${value}`]);
      const listen = ['-l', `127.0.0.1:${port}`, '--fdname=proxy'];
      activator = spawn(
        'systemd-socket-activate',
        [...settings, ...listen, executable, 'run', '-c', at('qedge.toml')],
        {
          stdio: 'ignore',
        },
      );
      await expect.poll(() => isListening(port), PATIENCE).toBe(true);
    });
    afterEach(async () => {
      if (activator.exitCode === null && activator.signalCode === null) {
        activator.kill('SIGKILL');
        await once(activator, 'exit');
      }
      manager.stop();
      instance.close();
    });

    const request = async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { 'x-qedge-service': 'pilotnet' } });
      return [answer.status, await answer.text()];
    };
    const heard = (pattern: RegExp) =>
      expect.poll(() => manager.messages.some((message) => pattern.test(message)), { timeout: 60_000 }).toBe(true);

    it('answers the very request that started it, on the socket that it was given', async () => {
      expect(await request()).toEqual([200, 'steering: 0.1']);
    });

    it('says READY with a line of status, feeds the watchdog, RELOADING and READY again, STOPPING', async () => {
      await request();
      await heard(/^READY=1\nSTATUS=1 service, 1 instance/);
      await heard(/^WATCHDOG=1$/);
      manager.messages.length = 0;
      activator.kill('SIGHUP');
      await heard(/^RELOADING=1\nMONOTONIC_USEC=\d+$/);
      await heard(/^READY=1/);
      activator.kill('SIGTERM');
      await heard(/^STOPPING=1$/);
      const [status] = await once(activator, 'exit');
      expect(status).toBe(0);
      expect(manager.messages.at(-1)).toBe('STOPPING=1');
    });
  });
});

const configFor = (instancePort: number): string => `
[node]
id = "pi-7"
[proxy]
listen = "127.0.0.1:1"
[admin]
listen = "127.0.0.1:0"
[store]
path = false
[[service]]
name = "pilotnet"
qos.latency = "80ms"
instances = ["http://127.0.0.1:${instancePort}"]
`;

/** Node has no datagram sockets of the Unix domain, and every Debian has Perl: prints each message as a line of JSON. */
const RECEIVER = `
  use Socket; $| = 1; socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, sockaddr_un($ARGV[0])) or die; print "ready\\n";
  while (defined recv($s, my $m, 65536, 0)) { $m =~ s/\\n/\\\\n/g; $m =~ s/"/\\\\"/g; print "\\"$m\\"\\n"; }`;

async function startManager(path: string): Promise<{ messages: string[]; stop(): void }> {
  const receiver = spawn('perl', ['-e', RECEIVER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const messages: string[] = [];
  let text = '';
  await new Promise<void>((resolve) => {
    receiver.stdout.on('data', (chunk) => {
      const lines = (text + chunk).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        if (line === 'ready') resolve();
        else messages.push(JSON.parse(line) as string);
      }
    });
  });
  return { messages, stop: () => void receiver.kill('SIGKILL') };
}

/** Asked of the kernel's table: a connection would start the service. */
function isListening(port: number): boolean {
  const address = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync('/proc/net/tcp', 'utf8').includes(`${address} 00000000:0000 0A`);
}
