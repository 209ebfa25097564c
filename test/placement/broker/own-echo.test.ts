import { describe, expect, it } from 'vitest';
import type { Instance, Node } from '../../../src/core/domain.ts';
import { judgeOwn } from '../../../src/placement/broker/own-echo.ts';
import type { PlacementMessage } from '../../../src/placement/messages/message.ts';

const judge = (message: PlacementMessage, retained = false) =>
  judgeOwn(message, { nodeId: 'self', boot: 'b2', retained, announces: (_service, id) => id === 'mine' });
const node = (id: string, boot: string): PlacementMessage => ({
  kind: 'node-set',
  node: { id, address: null, probePort: null, tier: null, labels: {}, boot } satisfies Node,
});
const instance = (nodeId: string, id: string, boot: string | null): PlacementMessage => ({
  kind: 'instance-set',
  boot,
  instance: {
    service: 's',
    nodeId,
    id,
    scheme: 'http',
    host: '10.0.0.1',
    port: 1,
    labels: {},
    profile: null,
  } satisfies Instance,
});
const cleared = (nodeId: string, id: string): PlacementMessage => ({
  kind: 'instance-cleared',
  service: 's',
  nodeId,
  id,
});

describe('judgeOwn', () => {
  it('lets pass what is said of other nodes, and what a person says of this one', () => {
    for (const message of [
      node('n1', 'b1'),
      instance('n1', 'mine', 'b1'),
      cleared('n1', 'mine'),
      { kind: 'node-cleared', nodeId: 'n1' } as const,
      instance('self', 'by-hand', null),
      cleared('self', 'by-hand'),
    ]) {
      expect(judge(message)).toBe('not-ours');
    }
  });

  it('knows its own words, and those of an earlier life that the broker remembers', () => {
    expect(judge(instance('self', 'mine', 'b2'))).toBe('echo');
    expect(judge(instance('self', 'mine', 'b1'), true)).toBe('echo');
    // Withdrawn by us just now; the word before it is still on its way.
    expect(judge(instance('self', 'other', 'b2'))).toBe('echo');
  });

  it('repeats what was cleared and still holds', () => {
    expect(judge({ kind: 'node-cleared', nodeId: 'self' })).toBe('repeat');
    expect(judge(cleared('self', 'mine'))).toBe('repeat');
  });

  it('takes back what an earlier life left behind, and what this one could not take back itself', () => {
    expect(judge(instance('self', 'other', 'b2'), true)).toBe('take-back');
    expect(judge(instance('self', 'other', 'b1'), true)).toBe('take-back');
  });

  it('leaves to another what its own node is said to be', () => {
    expect(judge(node('self', 'b2'))).toBe('own-node');
    expect(judge(node('self', 'b1'), true)).toBe('own-node');
  });
});
