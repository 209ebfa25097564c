// What the single executable runs first: the bundle, with the code that a start needs already compiled.
//
// Node's own code cache is taken before the bundle has run and holds none of its functions; this one is taken after a
// whole start and stop (make-cache.cjs), and saves a third of the time to listening.

'use strict';

const sea = require('node:sea');
const { Script } = require('node:vm');

const source = Buffer.from(sea.getRawAsset('qedge.cjs')).latin1Slice();
const cachedData = Buffer.from(sea.getRawAsset('qedge.cache'));
const script = new Script(source, { filename: 'qedge.cjs', cachedData });
// `qedge version --json` tells: a cache of another V8 costs time and nothing else.
globalThis.qedgeCodeCache = script.cachedDataRejected ? 'rejected' : 'used';

const module_ = { exports: {} };
script.runInThisContext()(module_.exports, require, module_, __filename, __dirname);
