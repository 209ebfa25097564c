// The demo's piece of the computing continuum, after the example of the QEdgeProxy authors: steering models on far-edge boards
// (~30 ms an inference), near-edge servers (~20 ms) and cloud GPUs (~10 ms, but 40–60 ms of network away), and the mishaps of a day
// in two minutes.

import { detect, steer } from './inference.ts';
import type { DemoModel, Scene } from './scene.ts';

const pilotnet = (workMs: number): DemoModel => ({ services: ['pilotnet'], answer: steer, workMs, profile: null });
const detector = (workMs: number): DemoModel => ({ services: ['detector'], answer: detect, workMs, profile: null });
const plain = { requirements: [], objective: null };

/** The first scene: cars on a road. */
export const ROAD: Scene = {
  name: 'road',
  about: 'cars and gates on a road; boards run hot, nodes die and join, links grow',
  services: [
    {
      name: 'pilotnet',
      qos: { latencyMs: 80, successRatio: 0.9, windowMs: 10_000 },
      ...plain,
      clientPrefix: 'car',
      clientShare: 0.8,
    },
    {
      name: 'detector',
      qos: { latencyMs: 150, successRatio: 0.9, windowMs: 10_000 },
      ...plain,
      clientPrefix: 'gate',
      clientShare: 0.2,
    },
  ],
  nodes: [
    { id: 'orin-nano-1', tier: 'far-edge', rttMs: 0.4, jitterMs: 0.1, models: [pilotnet(30)], present: true },
    { id: 'orin-nano-2', tier: 'far-edge', rttMs: 4, jitterMs: 0.3, models: [pilotnet(30)], present: true },
    { id: 'agx-orin-1', tier: 'near-edge', rttMs: 8, jitterMs: 0.5, models: [pilotnet(20)], present: true },
    { id: 'agx-orin-2', tier: 'near-edge', rttMs: 14, jitterMs: 0.5, models: [detector(40)], present: true },
    { id: 'a100-east', tier: 'cloud', rttMs: 42, jitterMs: 0.8, models: [pilotnet(10)], present: true },
    { id: 'a100-west', tier: 'cloud', rttMs: 52, jitterMs: 0.8, models: [pilotnet(10), detector(15)], present: true },
    { id: 'agx-orin-3', tier: 'near-edge', rttMs: 11, jitterMs: 0.5, models: [pilotnet(20)], present: false },
  ],
  localNodeId: 'orin-nano-1',
  framesPerSecond: 10,
  story: [
    {
      atMs: 12_000,
      text: 'agx-orin-1 runs hot: its inference takes 3.5 times as long',
      run: ({ cluster }) => cluster.slowDown('agx-orin-1', 3.5),
    },
    {
      atMs: 32_000,
      text: 'orin-nano-2 loses power',
      run: ({ cluster }) => cluster.crash('orin-nano-2'),
    },
    {
      atMs: 52_000,
      text: 'agx-orin-3, a new near-edge server, joins',
      run: ({ cluster }) => cluster.boot('agx-orin-3'),
    },
    {
      atMs: 72_000,
      text: 'the link to a100-east gets 45 ms longer',
      run: ({ cluster }) => cluster.moveAway('a100-east', 45),
    },
    {
      atMs: 92_000,
      text: 'agx-orin-1 has cooled down',
      run: ({ cluster }) => cluster.slowDown('agx-orin-1', 1),
    },
    {
      atMs: 102_000,
      text: 'the link to a100-east is as short as before, and orin-nano-2 has power again',
      run: async ({ cluster }) => {
        cluster.moveAway('a100-east', 0);
        await cluster.boot('orin-nano-2');
      },
    },
    {
      atMs: 117_000,
      text: 'agx-orin-3 leaves, in good order',
      run: ({ cluster }) => cluster.leave('agx-orin-3'),
    },
  ],
  roundMs: 130_000,
};
