// What a scene of the demo is made of: services and their clients, nodes and what runs on them, and what happens.

import type { QosTarget, Tier } from '../../core/domain.ts';

/** A scene of the demo, as data. */
export interface Scene {
  /** As it is named on the command line. */
  readonly name: string;
  /** One line for people. */
  readonly about: string;
  readonly services: readonly DemoService[];
  readonly nodes: readonly DemoNode[];
  /** The node on which the demo's qedge runs; it carries an instance. */
  readonly localNodeId: string;
  /** Rate of each camera at the start. */
  readonly framesPerSecond: number;
  readonly story: readonly Happening[];
  /** After this the story begins again, with everything as at the start. */
  readonly roundMs: number;
}

/** A service of the demo, and the clients that it has. */
export interface DemoService {
  readonly name: string;
  readonly qos: QosTarget;
  /** Further requirements, as they stand in the configuration beside these. */
  readonly requirements: readonly string[];
  /** What to spend least of, as it stands in the configuration; null: nothing is saved. */
  readonly objective: string | null;
  /** What its clients are called, before their number. */
  readonly clientPrefix: string;
  /** Its share of the clients. */
  readonly clientShare: number;
}

/** A node of the scene, and what runs on it. */
export interface DemoNode {
  readonly id: string;
  readonly tier: Tier;
  /** Round trip from the node that the proxy runs on, ms. */
  readonly rttMs: number;
  readonly jitterMs: number;
  readonly models: readonly DemoModel[];
  /** False: it is not there at the start, and joins later. */
  readonly present: boolean;
}

/** A model that runs on a node and takes one frame at a time, no matter which of its services it came by. */
export interface DemoModel {
  readonly services: readonly string[];
  /** What it says of a frame. */
  readonly answer: (body: Buffer) => unknown;
  /** Mean processing time, ms. */
  readonly workMs: number;
  /** As it is announced; null: it is not profiled. */
  readonly profile: Readonly<Record<string, number>> | null;
}

/** Something that is announced to the viewer, never to the proxy. */
export interface Happening {
  /** Milliseconds after the start of a round. */
  readonly atMs: number;
  readonly text: string;
  readonly run: (levers: Levers) => void | Promise<void>;
}

/** What a story may do to nodes. */
export interface ClusterLevers {
  /** Multiplies the processing times of everything on a node; 1 is as at the start. */
  slowDown(nodeId: string, factor: number): void;
  /** Moves a node away: `extraMs` more of round trip than at the start. */
  moveAway(nodeId: string, extraMs: number): void;
  /** Boots a node; one that runs already is left as it is. */
  boot(nodeId: string): Promise<void>;
  /** Cuts a node's power. */
  crash(nodeId: string): Promise<void>;
  /** Lets a node leave in good order. */
  leave(nodeId: string): Promise<void>;
}

/** What a story may pull. */
export interface Levers {
  readonly cluster: ClusterLevers;
  /** The rate of every camera. */
  readonly setFrameRate: (framesPerSecond: number) => void;
}
