// requires: dnsmasq
// The source of DNS beside a name server that sites run.

import { spawn } from 'node:child_process';
import { expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../support/listening.ts';
import { PATIENCE } from '../../support/patience.ts';
import { startPlacement } from '../../support/placement.ts';
import { requireProgram } from '../../support/requires.ts';

it('dnsmasq gives the instances of a service and of a name', async () => {
  const port = await freePort();
  const records = [
    '--srv-host=_pilotnet._tcp.lan,pi-7.lan,9000,1',
    '--host-record=pi-7.lan,10.0.0.7',
    '--address=/yolo.lan/10.0.0.8',
  ];
  const alone = ['--no-daemon', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--user=root', '--pid-file='];
  const child = spawn(
    requireProgram('dnsmasq'),
    [...alone, '--listen-address=127.0.0.1', '--bind-interfaces', `--port=${port}`, ...records],
    { stdio: 'ignore' },
  );
  onTestFinished(() => void child.kill());
  const { keys } = startPlacement(`
[node]
id = "self"
[placement.dns]
servers = ["127.0.0.1:${port}"]
names = { pilotnet = ["_pilotnet._tcp.lan", "yolo.lan:9001", "nothing.lan:1"] }
[[service]]
name = "pilotnet"
qos.latency = "80ms"
`);
  await expect.poll(keys, PATIENCE).toEqual(['10.0.0.8/9001 up', 'pi-7.lan/9000 up']);
});
