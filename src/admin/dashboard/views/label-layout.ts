// Labels beside markers, placed so that each can be read: the nearest of a ring of places that covers no other label and
// no marker; a label that had to go far is tied to its marker by a line.

export interface Labelled {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly text: string;
  /** Where its label stood in the last picture; null in the first. */
  readonly before: Spot | null;
}

/** A place beside a marker: how far off and in which direction, as indices of what is tried. */
export interface Spot {
  readonly ring: number;
  readonly turn: number;
}

export interface LabelPlace {
  /** Left end of the text's base line. */
  readonly labelX: number;
  readonly labelY: number;
  /** Where a line to the marker starts; null when the label is beside it. */
  readonly leaderX: number | null;
  readonly spot: Spot;
}

export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const CHARACTER_WIDTH = 6.3;
const LINE_HEIGHT = 14;
/** Distances from the marker's edge that are tried, and how much worse each further one is, in weighted px² of overlap. */
const RINGS = [6, 20, 38, 60, 90, 125] as const;
const RING_COST = 60;
/** Covering a text is worse than covering a disc or leaving the frame a little. */
const TEXT_COST = 6;
/** What moving elsewhere costs: a label that changes sides with every picture cannot be read. */
const MOVE_COST = 150;
/** Beyond this ring a line is drawn. */
const LEADER_RING_MIN = 1;
/** Right, left, then the ways between, as directions. */
const DIRECTIONS = [0, 180, -30, 30, -60, 60, -150, 150, 90, -90].map((degrees) => (degrees * Math.PI) / 180);

/** In the order of `markers`; earlier ones get the better places. */
export function placeLabels(markers: readonly Labelled[], frame: Frame): readonly LabelPlace[] {
  const discs = markers.map(({ x, y, radius }) => boxAround(x, y, radius));
  const taken: Box[] = [];
  return markers.map((marker) => {
    const best = bestPlace(marker, frame, { discs, texts: taken });
    taken.push(best.box);
    const leaderX = best.box.x > marker.x ? best.box.x - 2 : best.box.x + best.box.width + 2;
    return {
      labelX: best.box.x,
      labelY: best.box.y + LINE_HEIGHT - 4,
      leaderX: best.spot.ring >= LEADER_RING_MIN ? leaderX : null,
      spot: best.spot,
    };
  });
}

interface Taken {
  readonly discs: readonly Box[];
  readonly texts: readonly Box[];
}

function bestPlace(marker: Labelled, frame: Frame, { discs, texts }: Taken): { box: Box; spot: Spot } {
  let best = { box: boxAt(marker, 0, RINGS[0]), spot: { ring: 0, turn: 0 } };
  const { before } = marker;
  let bestCost = Number.POSITIVE_INFINITY;
  RINGS.forEach((distance, ring) => {
    DIRECTIONS.forEach((direction, turn) => {
      const box = boxAt(marker, direction, distance);
      const overlap = covered(box, discs) + TEXT_COST * covered(box, texts);
      const moved = before !== null && (before.ring !== ring || before.turn !== turn);
      const cost = overlap + outside(box, frame) * 4 + ring * RING_COST + turn + (moved ? MOVE_COST : 0);
      if (cost < bestCost) {
        best = { box, spot: { ring, turn } };
        bestCost = cost;
      }
    });
  });
  return best;
}

function boxAt(marker: Labelled, direction: number, distance: number): Box {
  const width = marker.text.length * CHARACTER_WIDTH;
  const offset = marker.radius + distance;
  const anchorX = marker.x + Math.cos(direction) * offset;
  const anchorY = marker.y + Math.sin(direction) * (offset + LINE_HEIGHT / 3);
  const side = Math.cos(direction);
  const x = side > 0.1 ? anchorX : side < -0.1 ? anchorX - width : anchorX - width / 2;
  return { x, y: anchorY - LINE_HEIGHT / 2, width, height: LINE_HEIGHT };
}

const boxAround = (x: number, y: number, radius: number): Box => ({
  x: x - radius,
  y: y - radius,
  width: 2 * radius,
  height: 2 * radius,
});

const covered = (box: Box, others: readonly Box[]): number =>
  others.reduce((sum, other) => sum + overlapOf(box, other), 0);

function overlapOf(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

/** How much of the box lies outside the frame, px². */
function outside(box: Box, frame: Frame): number {
  const inside = overlapOf(box, {
    x: frame.left,
    y: frame.top,
    width: frame.right - frame.left,
    height: frame.bottom - frame.top,
  });
  return box.width * box.height - inside;
}
