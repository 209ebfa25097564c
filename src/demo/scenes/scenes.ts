// The scenes of the demo by name.

import { CROSSROADS } from './crossroads.ts';
import { ROAD } from './road.ts';
import type { Scene } from './scene.ts';

/** The first one is what the demo shows unless it is asked for another. */
export const SCENES: readonly [Scene, ...Scene[]] = [ROAD, CROSSROADS];
