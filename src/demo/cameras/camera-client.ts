// One camera: sends JPEG frames at a steady rate over kept-alive connections, whether or not the last one has been
// answered, and keeps its own account of what came back in time. What it measures is what its user would feel.

import type { Pool } from 'undici';
import { undici } from '../../packages.ts';
import { SlidingSuccess } from './sliding-success.ts';

export interface CameraOptions {
  readonly clientId: string;
  readonly service: string;
  /** Origin of the proxy, such as `http://127.0.0.1:8080`. */
  readonly origin: string;
  readonly frames: readonly Buffer[];
  /** At the start. */
  readonly framesPerSecond: number;
  /** Frame of the drive to begin with, and where in the frame interval to send: cameras do not tick together. */
  readonly firstFrame: number;
  readonly phase: number;
  /** τ and W, ms: an answer later than τ is a miss. */
  readonly latencyMs: number;
  readonly windowMs: number;
  /** A frame without an answer after this is given up; 2 s when absent. */
  readonly answerTimeoutMs?: number;
}

/** Frames a camera has under way before it drops new ones; a dropped frame is a miss. */
const FRAMES_IN_FLIGHT_MAX = 16;
const ANSWER_TIMEOUT_MS_DEFAULT = 2_000;

/** One camera, from `start` to `stop`. */
export class CameraClient {
  readonly clientId: string;
  readonly service: string;
  /** Success over the window W, by this client's own clock. */
  readonly window: SlidingSuccess;
  sent = 0;
  /** Answered in time. */
  inTime = 0;
  /** Answered, but late. */
  late = 0;
  /** The proxy said at once that no instance has room. */
  refused = 0;
  /** Not answered with a 200 otherwise, or dropped. */
  failed = 0;
  readonly #options: CameraOptions;
  readonly #pool: Pool;
  readonly #headers: Readonly<Record<string, string>>;
  #intervalMs: number;
  #timer: NodeJS.Timeout | null = null;
  #dueMs = 0;
  #inFlight = 0;

  constructor(options: CameraOptions) {
    this.clientId = options.clientId;
    this.service = options.service;
    this.window = new SlidingSuccess(options.windowMs);
    this.#options = options;
    this.#intervalMs = 1000 / options.framesPerSecond;
    const { Pool } = undici();
    this.#pool = new Pool(options.origin, { connections: FRAMES_IN_FLIGHT_MAX, pipelining: 1 });
    this.#headers = {
      'x-qedge-service': options.service,
      'x-client-id': options.clientId,
      'content-type': 'image/jpeg',
    };
  }

  start(): void {
    this.#dueMs = performance.now() + this.#options.phase * this.#intervalMs;
    this.#schedule();
  }

  /** From the next frame on. */
  setFrameRate(framesPerSecond: number): void {
    this.#intervalMs = 1000 / framesPerSecond;
  }

  /** Stops sending and drops what is under way. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#pool.destroy();
  }

  #schedule(): void {
    this.#timer = setTimeout(
      () => {
        void this.#sendFrame();
        // From the plan, not from now: a late timer must not slow the camera down.
        this.#dueMs = Math.max(this.#dueMs + this.#intervalMs, performance.now() - this.#intervalMs);
        this.#schedule();
      },
      Math.max(0, this.#dueMs - performance.now()),
    );
  }

  async #sendFrame(): Promise<void> {
    const { frames, firstFrame, latencyMs } = this.#options;
    const frame = frames[(firstFrame + this.sent) % frames.length];
    this.sent++;
    if (this.#inFlight >= FRAMES_IN_FLIGHT_MAX || frame === undefined) {
      this.#count(false);
      this.failed++;
      return;
    }
    this.#inFlight++;
    const startMs = performance.now();
    const answered = await this.#exchange(frame);
    this.#inFlight--;
    if (this.#timer === null) return;
    const inTime = answered === 'whole' && performance.now() - startMs <= latencyMs;
    if (inTime) this.inTime++;
    else if (answered === 'whole') this.late++;
    else if (answered === 'refused') this.refused++;
    else this.failed++;
    this.#count(inTime);
  }

  /** Whole: a 200 came back in full. */
  async #exchange(body: Buffer): Promise<'whole' | 'refused' | 'none'> {
    const { answerTimeoutMs = ANSWER_TIMEOUT_MS_DEFAULT } = this.#options;
    try {
      const {
        statusCode,
        headers,
        body: answer,
      } = await this.#pool.request({
        path: '/infer',
        method: 'POST',
        headers: this.#headers,
        body,
        headersTimeout: answerTimeoutMs,
        bodyTimeout: answerTimeoutMs,
      });
      await answer.dump();
      if (statusCode === 200) return 'whole';
      return headers['x-qedge-error'] === 'overloaded' ? 'refused' : 'none';
    } catch {
      // The frame has no answer; the account says so.
      return 'none';
    }
  }

  #count(success: boolean): void {
    this.window.add(success, performance.now());
  }
}
