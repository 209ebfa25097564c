import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { loadScenario } from '../../../src/scenario/scenario-file.ts';
import { cli } from '../../support/cli.ts';

let directory = '';
let table = '';

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'qedge-plan-'));
  table = join(directory, 'sites.csv');
  writeFileSync(
    table,
    'node,clients,rate,zagreb,split,osijek\nzagreb,2,5,0.5,9,7\nsplit,1,5,9,0.5,16\nosijek,1,5,7,16,0.5\n',
  );
});
afterAll(() => rmSync(directory, { recursive: true }));

const QUICK = ['--seeds', '1', '--duration', '5s'];

describe('qedge plan placement', () => {
  it('says where instances should run, and what a loss would do', async () => {
    const { status, out } = await cli('plan', 'placement', '--from', table, '-k', '2', ...QUICK);
    expect(status).toBe(0);
    expect(out).toContain('2 instances on zagreb, split: 7.0 ms away at the most, 80 ms allowed.');
    expect(out).toMatch(/osijek +5\.0 {2}zagreb 7\.0 ms +split 16\.0 ms +2/);
    expect(out).toMatch(/without zagreb +100 %/);
  });

  it('writes a scenario that runs, announcements, JSON and a page', async () => {
    const to = join(directory, 'out');
    const { status, err } = await cli(
      'plan',
      'placement',
      '--from',
      table,
      '--cheapest',
      '--service',
      'pilotnet',
      '--out',
      to,
      ...QUICK,
    );
    expect({ status, wrote: err.startsWith('wrote ') }).toEqual({ status: 0, wrote: true });
    const { topology, load } = loadScenario(join(to, 'scenario.toml'));
    expect(load).toBe(1.2);
    expect(topology).toMatchObject({ kind: 'matrix', nodes: ['zagreb', 'split', 'osijek'] });
    const { placement, losses } = JSON.parse(readFileSync(join(to, 'plan.json'), 'utf8'));
    expect(placement).toHaveLength(2);
    expect(losses.map(({ without }: { without: string }) => without)).toEqual(placement);
    expect(readFileSync(join(to, 'announce.toml'), 'utf8')).toContain('service = "pilotnet"');
    const page = readFileSync(join(to, 'plan.html'), 'utf8');
    expect(page).toContain('Placement of pilotnet');
    expect(page.match(/<g class="center/g)).toHaveLength(2);
  });

  it('is for the only service of running nodes, or for the one that is named', async () => {
    const service = { service: 'detector', requestsPerSecond: 5, qos: { latencyMs: 80, successRatio: 0.9 } };
    const state = { node: { id: 'a', probes: [{ nodeId: 'b', rttMs: 10 }] }, services: [service] };
    const server = createServer((_, response) => response.end(JSON.stringify(state))).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close().closeAllConnections());
    await once(server, 'listening');
    const from = ['--from', `http://127.0.0.1:${(server.address() as AddressInfo).port}`];
    const out = join(directory, 'running');
    await cli('plan', 'placement', ...from, '-k', '1', '--out', out, ...QUICK);
    expect(readFileSync(join(out, 'announce.toml'), 'utf8')).toContain('service = "detector"');
    const { status, err } = await cli('plan', 'placement', ...from, '-k', '1', '--service', 'other');
    expect({ status, err }).toEqual({ status: 1, err: expect.stringMatching(/no service "other".*detector/s) });
  });

  it('fails where a node has no instance in reach, and names it', async () => {
    const { status, out } = await cli('plan', 'placement', '--from', table, '-k', '1', '--latency', '16ms', ...QUICK);
    expect(status).toBe(1);
    expect(out).toContain('Not accepted: no instance answers in time for split.');
  });

  it.each([
    [['--from', 'TABLE'], 'expected either --instances or --cheapest'],
    [['--from', 'TABLE', '-k', '4'], '--instances: expected at most 3, the nodes that can carry one, got 4'],
    [['--from', 'TABLE', '-k', '0'], '--instances: expected a whole number of 1 or more, got 0'],
    [['--from', 'TABLE', '--cheapest', '--improve'], '--improve goes with --instances'],
    [['--from', 'TABLE', '--cheapest', '--policy', 'best'], '--policy: unknown policy'],
  ])('reports a mistake: %j', async (argv, message) => {
    const { status, err } = await cli('plan', 'placement', ...argv.map((word) => (word === 'TABLE' ? table : word)));
    expect(status).toBe(64);
    expect(err).toContain(message);
  });
});

describe('qedge fl plan', () => {
  const nodes = new URL('../../../config/learning/d13-nodes.csv', import.meta.url).pathname;

  it('says which nodes learn together, how often models travel, and what it costs', async () => {
    expect(await cli('fl', 'plan', nodes)).toEqual({
      status: 0,
      err: '',
      out: [
        'clusters    n2: n5 n6 n7',
        '            n3: n4 n8 n9',
        'divergence  0.22441057019914015 (Kullback–Leibler, mean over the clusters)',
        'frequency   8 epochs, then to the aggregator; 7 gatherings there, then to n1',
        'cost        598.2143 units per epoch of 600',
        '',
      ].join('\n'),
    });
  });

  it('takes clusters and frequencies as given', async () => {
    const clusters = ['--cluster', 'n2=n4,n5,n7', '--cluster', 'n3=n6,n8'];
    const { out } = await cli('fl', 'plan', nodes, '--without', 'n9', '--search', 'published', ...clusters, '--json');
    expect(JSON.parse(out)).toMatchObject({ divergence: 0.37967447155304745, epochs: 9, localRounds: 4 });
    const given = await cli('fl', 'plan', nodes, '--epochs', '2', '--local-rounds', '5', '--json');
    expect(JSON.parse(given.out)).toMatchObject({ epochs: 2, localRounds: 5, costPerEpoch: (2_000 + 5 * 4_500) / 10 });
  });

  it.each([
    [['--without', 'n42'], 64, '--without: no such node: "n42"'],
    [['--without', 'n1'], 64, '"n1" is the global aggregator'],
    [['--epochs', '2'], 64, 'expected --epochs and --local-rounds together, or neither'],
    [['--cluster', 'n2'], 64, '--cluster: expected aggregator=client,client,…, got n2'],
    [['--cluster', 'n2=n4'], 1, 'clients without a cluster: n5, n6, n7, n8, n9'],
  ])('reports a mistake: %j', async (argv, status, message) => {
    const result = await cli('fl', 'plan', nodes, ...argv);
    expect(result.status).toBe(status);
    expect(result.err).toContain(message);
  });
});
