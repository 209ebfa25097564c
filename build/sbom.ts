// What is inside an executable, written twice: as a CycloneDX bill of materials, and as the licences' own texts.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bundle } from './bundle.ts';
import { ROOT } from './paths.ts';
import { sourceTime } from './source-time.ts';

type Contents = Pick<Bundle, 'version' | 'commit' | 'packages'>;

interface Package {
  readonly name: string;
  readonly version: string;
  readonly license: string | undefined;
  /** `sha512-…` of the lock file. */
  readonly integrity: string | undefined;
}

interface LockFile {
  readonly packages: Readonly<Record<string, { version: string; license?: string; integrity?: string }>>;
}

/** node-addon-api is in the SQLite addon alone, where the bundler does not see it. */
const LINKED_PACKAGES = ['better-sqlite3', 'node-addon-api'];

const packageNames = (bundle: Contents): readonly string[] =>
  [...new Set([...bundle.packages, ...LINKED_PACKAGES])].sort();

/** CycloneDX 1.6, JSON. The same sources give the same text, byte for byte. */
export function billOfMaterials(bundle: Contents, nodeVersions: NodeJS.ProcessVersions): string {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as LockFile;
  const packages = packageNames(bundle).map((name) => packageComponent(lockedPackage(lock, name)));
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      timestamp: sourceTime().toISOString(),
      component: {
        type: 'application',
        'bom-ref': 'qedge',
        name: 'qedge',
        version: bundle.version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
        properties: [{ name: 'qedge:commit', value: bundle.commit }],
      },
    },
    components: [...packages, ...runtimeComponents(nodeVersions)],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Every licence text of what is inside, one after the other. */
export function licenceTexts(bundle: Contents, node: string): string {
  const packages = packageNames(bundle).map((name) => ({ name, directory: join(ROOT, 'node_modules', name) }));
  return [...packages, { name: 'Node.js', directory: node }]
    .map(({ name, directory }) => `${'='.repeat(80)}\n${name}\n${'='.repeat(80)}\n\n${licenceOf(directory)}\n`)
    .join('\n');
}

function licenceOf(directory: string): string {
  const file = readdirSync(directory).find((name) => /^licen[cs]e/i.test(name));
  if (file !== undefined) return readFileSync(join(directory, file), 'utf8').trim();
  const { license, author } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  return `${license} (${JSON.stringify(author ?? 'no author given')}; the package carries no licence text)`;
}

function lockedPackage(lock: LockFile, name: string): Package {
  const entry = lock.packages[`node_modules/${name}`];
  if (entry === undefined) throw new Error(`package-lock.json: node_modules/${name} is bundled and not locked`);
  return { name, version: entry.version, license: entry.license, integrity: entry.integrity };
}

function packageComponent({ name, version, license, integrity }: Package) {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const [group, bare] = name.startsWith('@') ? name.split('/') : [undefined, name];
  return {
    type: 'library',
    'bom-ref': purl,
    ...(group === undefined ? {} : { group }),
    name: bare ?? name,
    version,
    purl,
    ...(license === undefined ? {} : { licenses: [licenceEntry(license)] }),
    ...(integrity?.startsWith('sha512-') ? { hashes: [{ alg: 'SHA-512', content: hexOf(integrity) }] } : {}),
  };
}

const hexOf = (integrity: string): string => Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex');

const licenceEntry = (license: string) =>
  /[\s()]/.test(license) ? { expression: license } : { license: { id: license } };

/** Node and the libraries linked into it, and the SQLite of the addon. */
function runtimeComponents(versions: NodeJS.ProcessVersions) {
  const sqlite = /#define SQLITE_VERSION\s+"([^"]+)"/.exec(
    readFileSync(join(ROOT, 'node_modules/better-sqlite3/deps/sqlite3/sqlite3.h'), 'utf8'),
  )?.[1];
  // Names that end in an ABI's number or that only Node's tests use are no libraries.
  const skipped = new Set(['modules', 'napi', 'unicode', 'tz', 'cldr', 'amaro', 'sqlite']);
  const parts = { ...versions, sqlite: undefined, 'sqlite-amalgamation': sqlite };
  return Object.entries(parts)
    .filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '' && !skipped.has(entry[0]))
    .map(([name, version]) => ({
      type: name === 'node' ? 'platform' : 'library',
      'bom-ref': `pkg:generic/${name}@${version}`,
      name,
      version,
      purl: `pkg:generic/${name}@${encodeURIComponent(version)}`,
    }));
}
