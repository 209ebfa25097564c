import { afterEach, describe, expect, it, vi } from 'vitest';
import { runCli } from '../../../src/cli/program.ts';
import { checkPolicy, POLICIES, POLICY_NAMES } from '../../../src/core/policies/registry.ts';
import { parsePolicy } from '../../../src/sim/policy-text.ts';

afterEach(() => vi.restoreAllMocks());

async function policies(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const status = await runCli(['policies', ...argv]);
  return { status, out: out.mock.calls.join(''), err: err.mock.calls.join('') };
}

describe('qedge policies', () => {
  it('names every policy', async () => {
    const { status, out } = await policies();
    expect(status).toBe(0);
    for (const name of POLICY_NAMES) expect(`\n${out}`).toContain(`\n  ${name} `);
  });

  it.each(POLICY_NAMES)('lists the options of %s, with an example that is accepted', async (name) => {
    const { out } = await policies(name);
    for (const option of Object.keys(POLICIES[name].options)) expect(out).toContain(`\n  ${option} = `);
    const example = /--policy (\S+)/.exec(out)?.[1];
    expect(example === undefined).toBe(Object.keys(POLICIES[name].options).length === 0);
    expect(checkPolicy(parsePolicy(example ?? name))).toEqual([]);
  });

  it('lists switches for studies apart, which simulate takes and a service does not', async () => {
    const { out } = await policies('qedge');
    expect(out.indexOf('deferral = ')).toBeGreaterThan(out.indexOf('Switches for studies'));
    const choice = parsePolicy('qedge:deferral=false');
    expect(checkPolicy(choice, 'study')).toEqual([]);
    expect(checkPolicy(choice).map(({ path }) => path)).toEqual(['deferral']);
  });

  it('is wrong usage for a name that is none, and says which there are', async () => {
    const { status, out, err } = await policies('fastest');
    expect({ status, out }).toEqual({ status: 64, out: '' });
    expect(err).toContain('unknown policy "fastest", expected one of qedge, qedgeproxy');
  });

  it('prints JSON for programs', async () => {
    const { out } = await policies('p2c-ewma', '--json');
    expect(Object.keys(JSON.parse(out).options)).toEqual(Object.keys(POLICIES['p2c-ewma'].options));
  });
});
