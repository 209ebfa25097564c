// What a car's camera sees: a road that bends, with kerbs, a dashed centre line and hills, drawn by perspective.
// A drive is a closed loop of frames, so that clients can send it for ever without drawing again.

import { jpeg } from '../../packages.ts';

/** A common size of steering-model cameras (Bojarski et al. crop theirs to 200 × 66 out of it). */
const FRAME_WIDTH = 320;
const FRAME_HEIGHT = 160;
const HORIZON = 62;
const JPEG_QUALITY = 75;

type Rgb = readonly [red: number, green: number, blue: number];

const HILL: Rgb = [86, 112, 96];
const GRASS: readonly [Rgb, Rgb] = [
  [92, 138, 70],
  [84, 128, 64],
];
const KERB: readonly [Rgb, Rgb] = [
  [214, 214, 208],
  [178, 58, 48],
];
const ASPHALT: readonly [Rgb, Rgb] = [
  [94, 96, 100],
  [88, 90, 94],
];
const PAINT: Rgb = [232, 228, 210];

/** JPEG frames of one closed drive; `count` of them, each different. About 5 ms of work a frame. */
export function renderDrive(count: number): readonly Buffer[] {
  return Array.from({ length: count }, (_, frame) => renderFrame(frame / count));
}

/** One JPEG frame at `phase` in [0, 1) of the drive. */
function renderFrame(phase: number): Buffer {
  const pixels = Buffer.alloc(FRAME_WIDTH * FRAME_HEIGHT * 4, 255);
  for (let y = 0; y < FRAME_HEIGHT; y++) {
    for (let x = 0; x < FRAME_WIDTH; x++) {
      const at = (y * FRAME_WIDTH + x) * 4;
      const [red, green, blue] = y < HORIZON ? skyAt(x, y, phase) : groundAt(x, y, phase);
      pixels[at] = red;
      pixels[at + 1] = green;
      pixels[at + 2] = blue;
    }
  }
  return jpeg().encode({ data: pixels, width: FRAME_WIDTH, height: FRAME_HEIGHT }, JPEG_QUALITY).data;
}

function skyAt(x: number, y: number, phase: number): Rgb {
  // The horizon turns against the bend.
  const bearing = x / FRAME_WIDTH + 0.3 * bendAt(phase);
  const hillTop = HORIZON - 8 - 7 * Math.sin(7 * bearing) - 4 * Math.sin(17 * bearing + 1);
  if (y > hillTop) return HILL;
  const depth = y / HORIZON;
  return [110 + 90 * depth, 158 + 60 * depth, 214 + 24 * depth];
}

function groundAt(x: number, y: number, phase: number): Rgb {
  const nearness = (y - HORIZON + 1) / (FRAME_HEIGHT - HORIZON);
  const distance = 1 / nearness;
  const halfRoad = 0.42 * FRAME_WIDTH * nearness;
  const centre = FRAME_WIDTH / 2 + 0.28 * FRAME_WIDTH * bendAt(phase) * (1 - nearness) ** 2;
  // Twenty-two stripes go by in one drive, an even number, so that the loop has no seam.
  const stripe = Math.floor(distance * 2 + phase * 22) % 2 === 0 ? 0 : 1;
  const offset = Math.abs(x - centre) / halfRoad;
  if (offset > 1.12) return GRASS[stripe];
  if (offset > 1) return KERB[stripe];
  if (offset < 0.025 && stripe === 0) return PAINT;
  return ASPHALT[stripe];
}

/** Curvature in [−1, 1]: two bends a drive, of different sharpness. */
function bendAt(phase: number): number {
  return 0.65 * Math.sin(2 * Math.PI * phase) + 0.35 * Math.sin(4 * Math.PI * phase + 0.8);
}
