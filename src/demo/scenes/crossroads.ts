// A crossroads with two services that share the same detectors: one watches the people on the crossing and needs the large model for
// most of its frames, the other one counts cars and is content with any. Small models are sparing, large ones see more. In the quiet hour
// energy is saved; in the rush hour the large ones work for both.

import { detect } from './inference.ts';
import type { DemoModel, Scene } from './scene.ts';

const SERVICES = ['crossing', 'counting'];
const SMALL: DemoModel = {
  services: SERVICES,
  answer: detect,
  workMs: 62,
  profile: { accuracy: 0.8, energy_mwh: 0.03, inference_ms: 62 },
};
const LARGE: DemoModel = {
  services: SERVICES,
  answer: detect,
  workMs: 32,
  profile: { accuracy: 0.97, energy_mwh: 0.14, inference_ms: 32 },
};

// Everything runs in one process: what takes some tens of milliseconds is as it should be on a busy machine, whose timers come late.
const QUIET_FRAMES_PER_SECOND = 1.5;
const RUSH_FRAMES_PER_SECOND = 5;

/** Several requirements at once, and energy to save. */
export const CROSSROADS: Scene = {
  name: 'crossroads',
  about: 'two services share detectors of two sizes; quiet hour and rush hour, accuracy and energy',
  services: [
    {
      name: 'crossing',
      qos: { latencyMs: 300, successRatio: 0.9, windowMs: 10_000 },
      requirements: ['accuracy = { min = 0.95, share = 0.6 }'],
      objective: 'least = "energy"',
      clientPrefix: 'walk',
      clientShare: 0.5,
    },
    {
      name: 'counting',
      qos: { latencyMs: 300, successRatio: 0.9, windowMs: 10_000 },
      requirements: [],
      objective: 'least = "energy"',
      clientPrefix: 'lane',
      clientShare: 0.5,
    },
  ],
  nodes: [
    { id: 'pole-north', tier: 'far-edge', rttMs: 0.4, jitterMs: 0.1, models: [SMALL], present: true },
    { id: 'pole-south', tier: 'far-edge', rttMs: 3, jitterMs: 0.3, models: [SMALL], present: true },
    { id: 'cabinet', tier: 'near-edge', rttMs: 8, jitterMs: 0.5, models: [LARGE], present: true },
    { id: 'depot', tier: 'near-edge', rttMs: 15, jitterMs: 0.5, models: [LARGE], present: true },
  ],
  localNodeId: 'pole-north',
  framesPerSecond: QUIET_FRAMES_PER_SECOND,
  story: [
    {
      atMs: 35_000,
      text: `rush hour: every camera sends ${RUSH_FRAMES_PER_SECOND} frames a second`,
      run: ({ setFrameRate }) => setFrameRate(RUSH_FRAMES_PER_SECOND),
    },
    {
      atMs: 65_000,
      text: 'the accelerator in the depot throttles: half its speed',
      run: ({ cluster }) => cluster.slowDown('depot', 2),
    },
    {
      atMs: 90_000,
      text: 'the depot has cooled down',
      run: ({ cluster }) => cluster.slowDown('depot', 1),
    },
    {
      atMs: 100_000,
      text: `quiet hour: ${QUIET_FRAMES_PER_SECOND} frames a second again`,
      run: ({ setFrameRate }) => setFrameRate(QUIET_FRAMES_PER_SECOND),
    },
  ],
  roundMs: 130_000,
};
