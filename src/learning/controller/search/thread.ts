// The thread of a search: it finds one configuration, and ends.

import { parentPort, workerData } from 'node:worker_threads';
import { find, type Question } from './find.ts';

parentPort?.postMessage(find(workerData as Question));
