// Packages that a plain run does without, each loaded when something first asks for it: none of them costs a start or
// memory before that. The build puts each beside the program instead of into it (build/bundle.ts).

import { createRequire } from 'node:module';

// The build takes this line out: a bundle has a `require` of its own.
const require = createRequire(import.meta.url);

/** The HTTP client for collectors of traces, and of commands that ask a running qedge. */
export const undici = (): typeof import('undici') => require('undici');

/** The client of brokers. */
export const mqtt = (): typeof import('mqtt') => require('mqtt');

/** The demo's broker. */
export const aedes = (): typeof import('aedes') => require('aedes');

/** The demo's cameras. */
export const jpeg = (): typeof import('jpeg-js') => require('jpeg-js');
