// A qedge that has few file descriptors, and more clients than that.

import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { startInstance } from '../support/http-instance.ts';
import { PATIENCE } from '../support/patience.ts';
import { QEDGE } from '../support/qedge-command.ts';
import { startQedge } from '../support/qedge-process.ts';

it('a process without descriptors says so in words, charges no instance, and serves once it has some', {
  timeout: 120_000,
}, async () => {
  const { port } = await startInstance();
  const service = `[[service]]\nname = "svc"\nqos.latency = "60s"\ninstances = ["http://127.0.0.1:${port}"]\n`;
  const command = ['bash', '-c', 'ulimit -n 48; exec "$@"', 'qedge', ...QEDGE];
  const qedge = await startQedge('few', service, { command });
  const clients = Array.from({ length: 80 }, () => {
    const client = connect(Number(new URL(qedge.url).port), '127.0.0.1');
    client.on('error', () => {});
    client.resume();
    client.write('GET / HTTP/1.1\r\nHost: svc\r\n\r\n');
    return client;
  });
  const said = {
    msg: 'no connection was made for want of a resource',
    reason: 'this process has no file descriptor left',
  };
  await expect.poll(() => qedge.log, PATIENCE).toContainEqual(expect.objectContaining(said));
  for (const client of clients) client.destroy();
  const ask = (): Promise<number> =>
    fetch(qedge.url, { headers: { 'x-qedge-service': 'svc' } }).then(
      ({ status }) => status,
      () => 0,
    );
  await expect.poll(ask, PATIENCE).toBe(200);
  expect(JSON.stringify(qedge.log)).not.toContain('undefined');
  const { services } = (await (await fetch(`${qedge.adminUrl}/api/v1/state`)).json()) as {
    readonly services: readonly { readonly instances: readonly { readonly tier: string }[] }[];
  };
  expect(services[0]?.instances.map(({ tier }) => tier)).not.toContain('ejected');
  expect(await qedge.stop()).toBe(0);
});
