// Labels beside markers, moved apart so that each can be read: down the picture, each label takes the first free line.

export interface Labelled {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly text: string;
}

export interface LabelPlace {
  readonly labelX: number;
  readonly labelY: number;
  readonly anchor: 'start' | 'end';
}

const CHARACTER_WIDTH = 6.4;
const LINE_HEIGHT = 14;
const ATTEMPTS = 9;

/** `endX`: labels that would cross it stand at the left of their marker. */
export function placeLabels(markers: readonly Labelled[], endX: number): readonly LabelPlace[] {
  const taken: { left: number; right: number; y: number }[] = [];
  const places: LabelPlace[] = [];
  const byHeight = markers.map((_, i) => i).sort((a, b) => (markers[a]?.y ?? 0) - (markers[b]?.y ?? 0));
  for (const i of byHeight) {
    const marker = markers[i];
    if (marker === undefined) continue;
    const width = marker.text.length * CHARACTER_WIDTH;
    const leftwards = marker.x + marker.radius + 8 + width > endX;
    const labelX = leftwards ? marker.x - marker.radius - 7 : marker.x + marker.radius + 7;
    const left = leftwards ? labelX - width : labelX;
    const free = (y: number): boolean =>
      taken.every((one) => one.right < left || one.left > left + width || Math.abs(one.y - y) >= LINE_HEIGHT);
    let labelY = marker.y + 4;
    for (let attempt = 1; attempt < ATTEMPTS && !free(labelY); attempt++) {
      const side = attempt % 2 === 1 ? 1 : -1;
      labelY = marker.y + 4 + side * Math.ceil(attempt / 2) * (LINE_HEIGHT / 2);
    }
    taken.push({ left, right: left + width, y: labelY });
    places[i] = { labelX, labelY, anchor: leftwards ? 'end' : 'start' };
  }
  return places;
}
