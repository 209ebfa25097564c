// The bill of materials names what is inside, with what the lock file says of it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { billOfMaterials } from '../../build/sbom.ts';

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly 'bom-ref': string;
  readonly hashes?: readonly { readonly content: string }[];
}

const bundle = { version: '1.2.3', commit: 'abc', packages: ['@hono/node-server', 'commander'] };
const text = billOfMaterials(bundle, process.versions);
const document = JSON.parse(text) as { components: readonly Component[] };
const component = (name: string) => document.components.find((candidate) => candidate.name === name);

describe('the bill of materials', () => {
  it('names bundled packages with the hash of the lock file', () => {
    const lock = JSON.parse(readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8'));
    const { version, integrity } = lock.packages['node_modules/commander'];
    expect(component('commander')).toMatchObject({ version, purl: `pkg:npm/commander@${version}` });
    const hash = Buffer.from(component('commander')?.hashes?.[0]?.content ?? '', 'hex').toString('base64');
    expect(`sha512-${hash}`).toBe(integrity);
  });

  it('writes scoped packages as package URLs do', () => {
    expect(component('node-server')?.purl).toMatch(/^pkg:npm\/%40hono\/node-server@\d/);
  });

  it('names what no bundler sees: Node, its OpenSSL and the SQLite of the addon', () => {
    expect(component('node')?.version).toBe(process.versions.node);
    expect(component('openssl')?.version).toBe(process.versions.openssl);
    expect(component('sqlite-amalgamation')?.version).toMatch(/^3\.\d+\.\d+$/);
  });

  it('refers to each component by a name of its own', () => {
    const references = document.components.map((entry) => entry['bom-ref']);
    expect(new Set(references).size).toBe(references.length);
  });

  it('is the same, byte for byte, for the same sources', () => {
    expect(billOfMaterials(bundle, process.versions)).toBe(text);
  });
});
