// Node reads some of its settings from the environment before a line of the program runs: they would send the program's own
// loopback calls to a proxy, trust other certificates, print warnings that are Node's, or end it. The executable looks for
// them under names that no environment has. What Node reads from scripts, while the program runs, start/load.cjs takes away.

import { readFileSync, writeFileSync } from 'node:fs';

const NAMES: readonly string[] = [
  'NODE_COMPILE_CACHE',
  'NODE_DEBUG_NATIVE',
  'NODE_EXTRA_CA_CERTS',
  'NODE_ICU_DATA',
  'NODE_REDIRECT_WARNINGS',
  'NODE_REPL_EXTERNAL_MODULE',
  'NODE_USE_ENV_PROXY',
  'NODE_USE_SYSTEM_CA',
  'OPENSSL_CONF',
];

/** Makes a copy of `node` deaf to them, in place. Throws where this Node does not have each of them once, as compiled. */
export function ignoreEnvironment(node: string): void {
  const image = readFileSync(node);
  for (const name of NAMES) hide(image, name);
  writeFileSync(node, image);
}

/** The name in C, between two zeros. V8 keeps those of scripts behind their length, whose last byte is a zero as well. */
function hide(image: Buffer, name: string): void {
  const places: number[] = [];
  for (
    let at = image.indexOf(`\0${name}\0`, 4, 'latin1');
    at >= 0;
    at = image.indexOf(`\0${name}\0`, at + 1, 'latin1')
  ) {
    if (image.readUInt32LE(at - 3) !== name.length) places.push(at + 1);
  }
  const [place] = places;
  if (place === undefined || places.length > 1)
    throw new Error(`node reads ${name} in ${places.length} places, not in one`);
  image.write('-', place, 'latin1');
}
