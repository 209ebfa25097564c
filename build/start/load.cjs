// What the single executable and each of its threads run first: the bundle, with the code that a start needs already
// compiled, and later the packages that are only loaded when something asks for them (src/packages.ts).
//
// Node's own code cache is taken before the bundle has run and holds none of its functions; this one is taken after a
// whole start and stop (make-cache.cjs), and saves a third of the time to listening.

'use strict';

// What scripts of Node read of the environment later; the rest: build/environment.ts.
for (const name of ['NODE_EXTRA_CA_CERTS', 'NODE_TLS_REJECT_UNAUTHORIZED']) delete process.env[name];

const sea = require('node:sea');
const { Script } = require('node:vm');
const { isMainThread } = require('node:worker_threads');

const assets = new Set(sea.getAssetKeys());
const loaded = new Map();

function requireAny(name) {
  if (!assets.has(`${name}.cjs`)) return require(name);
  if (!loaded.has(name)) {
    const module_ = { exports: {} };
    loaded.set(name, module_);
    scriptOf(name).runInThisContext()(module_.exports, requireAny, module_, __filename, __dirname);
  }
  return loaded.get(name).exports;
}

function scriptOf(name) {
  const source = Buffer.from(sea.getRawAsset(`${name}.cjs`)).latin1Slice();
  const cachedData = Buffer.from(sea.getRawAsset(`${name}.cache`));
  const script = new Script(source, { filename: `${name}.cjs`, cachedData });
  // `qedge version --json` says so: a cache of another V8 costs time and nothing else.
  globalThis.qedgeCodeCache ??= script.cachedDataRejected ? 'rejected' : 'used';
  return script;
}

// A thread is told which script it runs (src/sea.ts).
requireAny(isMainThread ? 'qedge' : process.argv[2]);
