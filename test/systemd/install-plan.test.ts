// The plan of an installation, without carrying it out.

import { describe, expect, it } from 'vitest';
import { type InstallStep, installPlan } from '../../src/systemd/install-plan.ts';

const PROXY = { name: 'proxy', host: '127.0.0.1', port: 8080 };
const ADMIN = { name: 'admin', host: '127.0.0.1', port: 9901 };

function contentOf(steps: readonly InstallStep[], name: string): string {
  const step = steps.find(({ path }) => path.endsWith(`/${name}`));
  if (step?.kind !== 'file') throw new Error(`${name} is not in the plan`);
  return step.content;
}

describe('an install plan', () => {
  it('has systemd hold the ports that the configuration names', () => {
    const steps = installPlan([{ ...PROXY, host: '0.0.0.0', port: 80 }, ADMIN]);
    expect(contentOf(steps, 'qedge.socket')).toContain('ListenStream=0.0.0.0:80\n');
    expect(contentOf(steps, 'qedge-admin.socket')).toContain('ListenStream=127.0.0.1:9901\n');
  });

  it('has systemd listen on an address that comes after the boot', () => {
    const steps = installPlan([{ ...PROXY, host: '10.8.0.2' }, ADMIN]);
    for (const unit of ['qedge.socket', 'qedge-admin.socket'])
      expect(contentOf(steps, unit)).toMatch(/^FreeBind=yes$/m);
  });

  it('fails a reload of a configuration with a mistake', () => {
    const reloads = contentOf(installPlan([PROXY, ADMIN]), 'qedge.service').match(/^ExecReload=.*$/gm);
    expect(reloads?.[0]).toBe('ExecReload=/usr/local/lib/qedge/qedge check --reload -c /etc/qedge/qedge.toml');
    expect(reloads?.[1]).toContain('kill -HUP');
  });

  it('gives each event loop a socket of its own on the port of clients', () => {
    const steps = installPlan([{ ...PROXY, loops: 3 }, ADMIN]);
    const unit = contentOf(steps, 'qedge.socket');
    expect(unit.match(/^ListenStream=127\.0\.0\.1:8080$/gm)).toHaveLength(3);
    expect(unit).toMatch(/^ReusePort=yes$/m);
    expect(contentOf(steps, 'qedge-admin.socket')).not.toContain('ReusePort');
    expect(contentOf(installPlan([PROXY]), 'qedge.socket')).not.toContain('ReusePort');
  });

  it('puts IPv6 addresses in brackets', () => {
    const steps = installPlan([{ ...PROXY, host: '::1' }]);
    expect(contentOf(steps, 'qedge.socket')).toContain('ListenStream=[::1]:8080\n');
  });

  it('gives a service with a port of its own a socket of its own', () => {
    const steps = installPlan([PROXY, ADMIN, { name: 'pilotnet', host: '127.0.0.1', port: 8081 }]);
    expect(contentOf(steps, 'qedge-pilotnet.socket')).toContain('FileDescriptorName=pilotnet\nService=qedge.service\n');
    expect(contentOf(steps, 'qedge.service')).toContain(
      'Sockets=qedge.socket qedge-admin.socket qedge-pilotnet.socket\n',
    );
  });

  it('never overwrites the configuration', () => {
    const config = installPlan([PROXY]).find(({ path }) => path === '/etc/qedge/qedge.toml');
    expect(config).toMatchObject({ kind: 'file', existing: 'keep' });
  });

  it('puts the schema where the first line of the configuration names it', () => {
    const steps = installPlan([PROXY]);
    expect(contentOf(steps, 'qedge.toml')).toMatch(/^#:schema \.\/qedge\.schema\.json\n/);
    expect(JSON.parse(contentOf(steps, 'qedge.schema.json'))).toHaveProperty('properties.proxy');
  });

  it('writes the executable before the units that name it', () => {
    const kinds = installPlan([PROXY, ADMIN]).map(({ path }) => path);
    expect(kinds.indexOf('/usr/local/lib/qedge/qedge')).toBeLessThan(
      kinds.indexOf('/etc/systemd/system/qedge.service'),
    );
  });
});
