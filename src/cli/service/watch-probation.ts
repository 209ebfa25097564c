// Drives the probation of an update with the running app, with the shares of its clients: once a second while an update is on trial.

import type { App } from '../../app/running-app.ts';
import type { UpdateConfig } from '../../config/config.ts';
import { layoutOf } from '../../update/layout.ts';
import { Probation } from '../../update/probation.ts';
import type { QosShares } from '../../update/qos-gate.ts';

const TRIAL_MS = 1_000;
/** What is recorded without a trial is recorded every minute. */
const RECORD_MS = 30_000;

export interface ProbationWatch {
  /** Resolves when the trial has failed and the service is to end. */
  readonly rejected: Promise<'rejected'>;
  /** The executable on trial could not take over from this one. */
  recordNeverServed(reason: string): void;
  stop(): void;
}

/** Starts at once and goes on until it is stopped. */
export function watchProbation(app: App, config: UpdateConfig): ProbationWatch {
  const probation = new Probation(
    {
      layout: layoutOf(process.execPath),
      stateDirectory: process.env.STATE_DIRECTORY?.split(':')[0] ?? null,
      probationMs: config.probationMs,
      qosDropMax: config.qosDropMax,
      log: app.log,
      shares: () => sharesOf(app),
    },
    performance.now(),
  );
  let timer: NodeJS.Timeout | undefined;
  const rejected = new Promise<'rejected'>((resolve) => {
    const wait = (): void => {
      timer = setTimeout(look, probation.state === 'on-trial' ? TRIAL_MS : RECORD_MS).unref();
    };
    const look = (): void => {
      if (probation.tick(performance.now()) === 'rejected') resolve('rejected');
      else wait();
    };
    wait();
  });
  return {
    rejected,
    recordNeverServed: (reason) => probation.recordNeverServed(reason),
    stop: () => {
      clearTimeout(timer);
      probation.stop(performance.now());
    },
  };
}

function sharesOf({ services }: App): QosShares {
  const nowMs = performance.now();
  return new Map(
    [...services].flatMap(([name, router]) => {
      const ratio = router.state(nowMs).clientsSatisfiedRatio;
      return ratio === null ? [] : [[name, ratio]];
    }),
  );
}
