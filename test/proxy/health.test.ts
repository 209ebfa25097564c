// Active health checks over real sockets: what an instance's answers make of its availability.

import { describe, expect, it, onTestFinished } from 'vitest';
import type { HealthConfig } from '../../src/config/config.ts';
import type { Instance } from '../../src/core/domain.ts';
import { clientTls } from '../../src/net/tls.ts';
import { startHealthChecks } from '../../src/proxy/health.ts';
import { deadPort, instanceAt, startInstance, startProxy, startRawInstance, until } from '../support/proxy.ts';

/** Patience with an answer that does come, however busy the machine. */
const TIMING = { intervalMs: 20, timeoutMs: 30_000, failuresMax: 3 };

function checks(config: HealthConfig, instances: Instance[], failed = new Set<string>()): string[] {
  const changes: string[] = [];
  const checker = startHealthChecks({
    config,
    instances: () => instances,
    onHealth: ({ key, healthy, reason }) => changes.push(`${key} ${healthy ? 'up' : 'suspect'}: ${reason}`),
    phase: 0,
    tls: clientTls(null),
    failed,
  });
  onTestFinished(() => checker.stop());
  return changes;
}

describe('an HTTP check', () => {
  it('makes an instance suspect after several failures in a row, and brings it back with one success', async () => {
    let status = 200;
    let asked = 0;
    const { port } = await startInstance((request, response) => {
      expect(request.url).toBe('/health');
      asked++;
      response.statusCode = status;
      response.end();
    });
    const changes = checks({ kind: 'http', path: '/health', ...TIMING }, [instanceAt('pilotnet', port, 0)]);
    await until(() => asked >= 2);
    expect(changes).toEqual([]);
    status = 503;
    const before = asked;
    await until(() => changes.length === 1);
    expect(asked - before).toBeGreaterThanOrEqual(3);
    expect(changes).toEqual(['n1/a suspect: status 503']);
    status = 204;
    await until(() => changes.length === 2);
    expect(changes[1]).toBe('n1/a up: the health check is good again');
  });

  it('fails for an instance that hangs, without asking it again meanwhile', async () => {
    let connections = 0;
    const port = await startRawInstance(() => connections++);
    const config = { kind: 'http', path: '/', ...TIMING, timeoutMs: 60, failuresMax: 1 } as const;
    const changes = checks(config, [instanceAt('pilotnet', port, 0)]);
    await until(() => changes.length === 1);
    expect(changes).toEqual(['n1/a suspect: no answer in time']);
    expect(connections).toBeLessThanOrEqual(2);
  });
});

describe('a service with health checks', () => {
  it('reports which of its instances fail, for as long as it is served', async () => {
    const { port } = await startInstance((_, response) => response.end());
    const health = { kind: 'tcp', ...TIMING, failuresMax: 1 } as const;
    const { health: changes } = await startProxy([{ name: 'pilotnet', ports: [port, await deadPort()], health }]);
    await until(() => changes.length === 1);
    expect(changes[0]).toMatch(/^pilotnet n2\/b false: connect ECONNREFUSED/);
  });
});

describe('a TCP check', () => {
  it('asks for a connection and nothing more', async () => {
    const { port } = await startInstance((_, response) => response.end());
    const dead = await deadPort();
    const changes = checks({ kind: 'tcp', ...TIMING }, [
      instanceAt('pilotnet', port, 0),
      instanceAt('pilotnet', dead, 1),
    ]);
    await until(() => changes.length === 1);
    expect(changes[0]).toMatch(/^n2\/b suspect: connect ECONNREFUSED/);
  });

  it('forgets an instance that left, and starts again with one that came back elsewhere', async () => {
    const { port } = await startInstance((_, response) => response.end());
    const instances = [instanceAt('pilotnet', await deadPort(), 0)];
    const changes = checks({ kind: 'tcp', ...TIMING, failuresMax: 1 }, instances);
    await until(() => changes.length === 1);
    instances.length = 0;
    await new Promise((resolve) => setTimeout(resolve, 60));
    instances.push(instanceAt('pilotnet', port, 0));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(changes).toHaveLength(1);
  });

  it('brings back an instance that failed before it was announced again, or before the checks were', async () => {
    const { port } = await startInstance((_, response) => response.end());
    const config = { kind: 'tcp', ...TIMING, failuresMax: 1 } as const;
    const instances = [instanceAt('pilotnet', await deadPort(), 0)];
    const changes = checks(config, instances);
    await until(() => changes.length === 1);
    instances[0] = { ...instanceAt('pilotnet', port, 0), labels: { zone: 'b' } };
    await until(() => changes.length === 2);
    expect(changes[1]).toBe('n1/a up: the health check is good again');
    const reloaded = checks(config, instances, new Set(['n1/a']));
    await until(() => reloaded.length === 1);
    expect(reloaded).toEqual(['n1/a up: the health check is good again']);
  });
});
