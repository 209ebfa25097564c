// A look at a task on the broker, from beside: which controller has it, how far it is, what its nodes report.

import { overhear } from '../../placement/broker/overhear.ts';
import { type Claim, type Progress, readClaim, readProgress, readState, type TaskState } from '../messages/payloads.ts';
import { controllerTopic, progressTopic, readTopic, stateTopic } from '../messages/topics.ts';
import type { LearningTask } from './task-file.ts';

/** What is known of a task. */
export interface TaskLook {
  /** Null: no controller has it. */
  readonly claim: Claim | null;
  /** Null: it has not begun. */
  readonly state: TaskState | null;
  /** By node. */
  readonly progress: ReadonlyMap<string, Progress>;
}

/** What is retained comes within this time, ms. */
const RETAINED_MS = 500;

/** @throws CommandError where the broker does not answer, or lets nothing be read */
export async function lookAtTask({ name, mqtt }: LearningTask): Promise<TaskLook> {
  const prefix = mqtt.topicPrefix;
  let claim: Claim | null = null;
  let state: TaskState | null = null;
  const progress = new Map<string, Progress>();
  await overhear(
    { ...mqtt, clientId: `qedge-fl-status-${process.pid}` },
    {
      topics: [controllerTopic(prefix, name), stateTopic(prefix, name), progressTopic(prefix, name, '+')],
      what: 'the task',
      listenMs: RETAINED_MS,
      onMessage: ({ topic, payload }) => {
        const about = readTopic(prefix, topic);
        const read = { controller: readClaim, state: readState, progress: readProgress };
        if (about?.kind === 'controller') claim = valueIn(read.controller(payload));
        if (about?.kind === 'state') state = valueIn(read.state(payload));
        if (about?.kind !== 'progress') return;
        const value = valueIn(read.progress(payload));
        if (value !== null) progress.set(about.node, value);
      },
    },
  );
  return { claim, state, progress };
}

const valueIn = <T>(read: { readonly value: T } | { readonly wrong: string } | null): T | null =>
  read !== null && 'value' in read ? read.value : null;
