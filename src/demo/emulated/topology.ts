// The demo's piece of the computing continuum, after the example of the QEdgeProxy authors: steering models on far-edge
// boards (~30 ms an inference), near-edge servers (~20 ms) and cloud GPUs (~10 ms, but 40–60 ms of network away).

import type { QosTarget, Tier } from '../../core/domain.ts';
import { detect, steer } from './inference.ts';

/** A service of the demo, and the clients that it has. */
export interface DemoService {
  readonly name: string;
  readonly qos: QosTarget;
  /** What it does with a frame. */
  readonly answer: (body: Buffer) => unknown;
  /** What its clients are called, before their number. */
  readonly clientPrefix: string;
  /** Its share of the clients. */
  readonly clientShare: number;
}

export interface DemoNode {
  readonly id: string;
  readonly tier: Tier;
  /** Round trip from the node that the proxy runs on, ms. */
  readonly rttMs: number;
  readonly jitterMs: number;
  /** Service name → mean processing time of its instance here, ms. */
  readonly workMs: Readonly<Record<string, number>>;
  /** False: it is not there at the start, and joins later. */
  readonly present: boolean;
}

/** The services of the demo. */
export const SERVICES: readonly DemoService[] = [
  {
    name: 'pilotnet',
    qos: { latencyMs: 80, successRatio: 0.9, windowMs: 10_000 },
    answer: steer,
    clientPrefix: 'car',
    clientShare: 0.8,
  },
  {
    name: 'detector',
    qos: { latencyMs: 150, successRatio: 0.9, windowMs: 10_000 },
    answer: detect,
    clientPrefix: 'gate',
    clientShare: 0.2,
  },
];

/** The node on which the demo's qedge runs: the first in the table below. */
export const LOCAL_NODE_ID = 'orin-nano-1';

export const NODES: readonly DemoNode[] = [
  { id: LOCAL_NODE_ID, tier: 'far-edge', rttMs: 0.4, jitterMs: 0.1, workMs: { pilotnet: 30 }, present: true },
  { id: 'orin-nano-2', tier: 'far-edge', rttMs: 4, jitterMs: 0.3, workMs: { pilotnet: 30 }, present: true },
  { id: 'agx-orin-1', tier: 'near-edge', rttMs: 8, jitterMs: 0.5, workMs: { pilotnet: 20 }, present: true },
  { id: 'agx-orin-2', tier: 'near-edge', rttMs: 14, jitterMs: 0.5, workMs: { detector: 40 }, present: true },
  { id: 'a100-east', tier: 'cloud', rttMs: 42, jitterMs: 0.8, workMs: { pilotnet: 10 }, present: true },
  { id: 'a100-west', tier: 'cloud', rttMs: 52, jitterMs: 0.8, workMs: { pilotnet: 10, detector: 15 }, present: true },
  { id: 'agx-orin-3', tier: 'near-edge', rttMs: 11, jitterMs: 0.5, workMs: { pilotnet: 20 }, present: false },
];

/** Where nodes announce themselves; the proxy's default. */
export const TOPIC_PREFIX = 'qedge/v1';

/** Coefficient of variation of the processing times. */
export const WORK_VARIATION = 0.12;
/** Of each camera. */
export const FRAMES_PER_SECOND = 10;
