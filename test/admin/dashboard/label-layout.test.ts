import { describe, expect, it } from 'vitest';
import { type Labelled, placeLabels } from '../../../src/admin/dashboard/views/label-layout.ts';

const FRAME = { left: 40, right: 760, top: 0, bottom: 400 };

const marker = (x: number, y: number, text: string): Labelled => ({ x, y, radius: 10, text, before: null });

/** Generous: what a browser draws is narrower. */
function boxes(markers: readonly Labelled[]): { left: number; right: number; top: number; bottom: number }[] {
  return placeLabels(markers, FRAME).map(({ labelX, labelY }, i) => ({
    left: labelX,
    right: labelX + (markers[i]?.text.length ?? 0) * 6,
    top: labelY - 10,
    bottom: labelY + 3,
  }));
}

describe('labels', () => {
  it('stand to the right of a marker that is alone, without a line', () => {
    const [place] = placeLabels([marker(100, 100, 'pi-1/a')], FRAME);
    expect(place).toMatchObject({ labelX: 116, leaderX: null });
  });

  it('keep apart where markers crowd', () => {
    const crowd = Array.from({ length: 8 }, (_, i) => marker(100 + 6 * i, 200 + 7 * (i % 3), `node-${i}/a`));
    const placed = boxes(crowd);
    placed.forEach((a, i) => {
      for (const b of placed.slice(i + 1)) {
        const apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
        expect(apart).toBe(true);
      }
    });
  });

  it('stay where they stood for a little overlap, and leave for a lot', () => {
    const a = marker(100, 100, 'pi-1');
    const left = { ...marker(160, 97, 'pi-2'), before: { ring: 0, turn: 1 } };
    expect(placeLabels([left], FRAME)[0]?.spot).toEqual({ ring: 0, turn: 1 });
    expect(placeLabels([a, left], FRAME)[1]?.spot).not.toEqual({ ring: 0, turn: 1 });
  });

  it('stay inside the picture', () => {
    for (const { left, right } of boxes([marker(755, 100, 'far-away/instance'), marker(45, 100, 'near/instance')])) {
      expect(left).toBeGreaterThanOrEqual(FRAME.left);
      expect(right).toBeLessThanOrEqual(FRAME.right + 5);
    }
  });
});
