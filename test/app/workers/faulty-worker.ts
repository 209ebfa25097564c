// A worker that ends or hangs when its main thread says so, by a word of shared memory: 1 ends it, 2 hangs it, once.

import { getEnvironmentData } from 'node:worker_threads';
import '../../../src/app/workers/worker.ts';

const fault = getEnvironmentData('qedge.test.fault') as Int32Array;

setInterval(() => {
  const kind = Atomics.exchange(fault, 0, 0);
  if (kind === 1) throw new Error('a fault of ours');
  while (kind === 2);
}, 5);
