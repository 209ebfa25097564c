// Runs the bundle through a start and a stop, loads every script beside it, and writes down what V8 compiled on the way.
//   node make-cache.cjs FOLDER CONFIG      with the Node that the executable is made of
// Beside each script NAME.cjs of the folder, NAME.cache appears.

'use strict';

const fs = require('node:fs');
const { join } = require('node:path');
const { Duplex, Writable } = require('node:stream');
const { Script } = require('node:vm');

const [folder, config] = process.argv.slice(2);
const names = fs.readdirSync(folder).map((file) => file.replace(/\.cjs$/, ''));
const loaded = new Map();

function requireAny(name) {
  if (!names.includes(name)) return require(name);
  if (!loaded.has(name)) {
    const script = new Script(fs.readFileSync(join(folder, `${name}.cjs`), 'latin1'), { filename: `${name}.cjs` });
    const module_ = { exports: {} };
    loaded.set(name, { script, module_ });
    script.runInThisContext()(module_.exports, requireAny, module_, __filename, __dirname);
  }
  return loaded.get(name).module_.exports;
}

process.on('exit', (exitCode) => {
  if (exitCode !== 0) return;
  for (const name of names) requireAny(name);
  for (const [name, { script }] of loaded) fs.writeFileSync(join(folder, `${name}.cache`), script.createCachedData());
});

// The line that says that it listens is the sign to stop; the log goes through a stream.
const { write } = Writable.prototype;
// A duplex (standard output that is a pipe) has a copy of its own.
for (const { prototype } of [Writable, Duplex])
  prototype.write = function (chunk, ...rest) {
    if (String(chunk).includes('qedge started')) setImmediate(() => process.kill(process.pid, 'SIGTERM'));
    return write.call(this, chunk, ...rest);
  };

// A start without the line is a defect: the build fails instead of waiting for it.
setTimeout(() => {
  process.stderr.write('the start has not been logged within two minutes\n');
  process.exit(1);
}, 120_000).unref();

process.argv = [process.execPath, 'qedge', 'run', '-c', config];
requireAny('qedge');
