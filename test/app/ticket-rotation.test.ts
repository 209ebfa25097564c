import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { TicketRotation } from '../../src/app/ticket-rotation.ts';
import type { TicketSecret } from '../../src/proxy/downstream/ticket-keys.ts';

const HOUR_MS = 3_600_000;
const SECRET = new Uint8Array(32).fill(7);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function rotation(before: TicketSecret | null) {
  const used: string[] = [];
  const made = new TicketRotation(before, { nowMs: () => Date.now() }, (secret) => {
    used.push(Buffer.from(secret).toString('hex'));
  });
  onTestFinished(() => made.stop());
  made.start();
  return { used, made };
}

describe('the secret of session tickets', () => {
  it('is drawn again twelve hours after it was drawn, by whichever process', () => {
    const { used, made } = rotation({ secret: SECRET, ageMs: 11 * HOUR_MS });
    vi.advanceTimersByTime(HOUR_MS - 1);
    expect(used).toEqual([Buffer.from(SECRET).toString('hex')]);
    expect(made.current.ageMs).toBe(12 * HOUR_MS - 1);
    vi.advanceTimersByTime(1);
    expect(new Set(used).size).toBe(2);
    expect(made.current.ageMs).toBe(0);
    vi.advanceTimersByTime(12 * HOUR_MS);
    expect(new Set(used).size).toBe(3);
  });

  it('that is older than that is used for no more than a moment', () => {
    const { used } = rotation({ secret: SECRET, ageMs: 13 * HOUR_MS });
    vi.advanceTimersByTime(1);
    expect(used).toHaveLength(2);
  });

  it('stays when the node stops', () => {
    const { used, made } = rotation(null);
    made.stop();
    vi.advanceTimersByTime(24 * HOUR_MS);
    expect(used).toHaveLength(1);
  });
});
