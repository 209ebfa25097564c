// The cameras of all services together: which drive, with which frames, and what they got.

import type { Rng } from '../../core/rng.ts';
import type { DemoService, Scene } from '../scenes/scene.ts';
import { CameraClient } from './camera-client.ts';

export interface LoadOptions {
  readonly scene: Pick<Scene, 'services' | 'framesPerSecond'>;
  /** Origin of the proxy. */
  readonly origin: string;
  /** Cameras of all services together, ≥ 1. */
  readonly clients: number;
  readonly frames: readonly Buffer[];
  readonly rng: Rng;
}

/** What the cameras of a service got, all together. */
export interface LoadTotals {
  readonly sent: number;
  readonly inTime: number;
  readonly late: number;
  readonly refused: number;
  readonly failed: number;
}

/** Makes the cameras; they send from `start` on. The first services get what does not divide. */
export function createCameras({ scene, origin, clients, frames, rng }: LoadOptions): readonly CameraClient[] {
  return divide(clients, scene.services).flatMap(({ service, count, prefix }) =>
    Array.from(
      { length: count },
      (_, i) =>
        new CameraClient({
          clientId: `${prefix}-${String(i + 1).padStart(2, '0')}`,
          service: service.name,
          origin,
          frames,
          framesPerSecond: scene.framesPerSecond,
          firstFrame: Math.floor(rng.next() * frames.length),
          phase: rng.next(),
          latencyMs: service.qos.latencyMs,
          windowMs: service.qos.windowMs,
        }),
    ),
  );
}

/** Adds up what cameras got. */
export function totalsOf(cameras: readonly CameraClient[]): LoadTotals {
  const sum = (pick: (camera: CameraClient) => number): number =>
    cameras.reduce((total, camera) => total + pick(camera), 0);
  return {
    sent: sum(({ sent }) => sent),
    inTime: sum(({ inTime }) => inTime),
    late: sum(({ late }) => late),
    refused: sum(({ refused }) => refused),
    failed: sum(({ failed }) => failed),
  };
}

function divide(
  clients: number,
  services: readonly DemoService[],
): readonly { service: DemoService; count: number; prefix: string }[] {
  let left = clients;
  return services.map((service, i) => {
    const last = i === services.length - 1;
    const count = last ? left : Math.min(left, Math.ceil(clients * service.clientShare));
    left -= count;
    return { service, count, prefix: service.clientPrefix };
  });
}
