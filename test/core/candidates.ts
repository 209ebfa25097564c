// Candidates by handle for tests of the parts, without a router around them.

import { LiveCandidate } from '../../src/core/router/live-candidate.ts';
import { instance } from './support.ts';

export function candidateAt(handle: number, rttMs = 1 + 12 * handle): LiveCandidate {
  const nodeId = `node-${handle}`;
  return new LiveCandidate({ handle, key: `${nodeId}/a`, local: handle === 0, instance: instance(nodeId), rttMs });
}

export function candidatesAt(count: number): LiveCandidate[] {
  return Array.from({ length: count }, (_, handle) => candidateAt(handle));
}
