// Runs the bundle through a start and a stop, and writes down what V8 compiled on the way.
//   node make-cache.cjs BUNDLE CONFIG OUTPUT      with the Node that the executable is made of

'use strict';

const { readFileSync, writeFileSync } = require('node:fs');
const { Script } = require('node:vm');

const [bundle, config, output] = process.argv.slice(2);
const script = new Script(readFileSync(bundle, 'latin1'), { filename: 'qedge.cjs' });

process.on('exit', (exitCode) => {
  if (exitCode === 0) writeFileSync(output, script.createCachedData());
});

// The line that says that it listens is the sign to stop; pino writes it with fs.writeSync.
const fs = require('node:fs');
const { writeSync } = fs;
fs.writeSync = (fd, text, ...rest) => {
  if (String(text).includes('"qedge started"')) setImmediate(() => process.kill(process.pid, 'SIGTERM'));
  return writeSync(fd, text, ...rest);
};

process.argv = [process.execPath, 'qedge', 'run', '-c', config];
const module_ = { exports: {} };
script.runInThisContext()(module_.exports, require, module_, __filename, __dirname);
