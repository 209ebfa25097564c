// Worse than before, by how much, and for which service.

import { describe, expect, it } from 'vitest';
import { QosGate } from '../../src/update/qos-gate.ts';

const shares = (...entries: readonly (readonly [string, number])[]) => new Map(entries);

describe('the QoS gate', () => {
  it('passes what loses no more than is allowed', () => {
    const gate = new QosGate(shares(['pilotnet', 0.9]), 0.05);
    gate.observe(shares(['pilotnet', 0.86]));
    expect(gate.failure()).toBeNull();
  });

  it('goes by the mean, not by one bad second', () => {
    const gate = new QosGate(shares(['pilotnet', 0.9]), 0.05);
    for (const share of [0.5, 1, 1, 1, 1]) gate.observe(shares(['pilotnet', share]));
    expect(gate.failure()).toBeNull();
  });

  it('names the service that lost most', () => {
    const gate = new QosGate(shares(['pilotnet', 0.9], ['detector', 0.9]), 0.05);
    gate.observe(shares(['pilotnet', 0.8], ['detector', 0.6]));
    expect(gate.failure()).toBe('detector: 60.0 % of the clients met their QoS, 90.0 % before');
  });

  it('judges nothing that was not recorded before, or has no clients now', () => {
    const gate = new QosGate(shares(['pilotnet', 0.9]), 0.05);
    gate.observe(shares(['detector', 0]));
    expect(gate.failure()).toBeNull();
  });
});
