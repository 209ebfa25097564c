// Where a task of federated learning is on the broker. All topics are retained, so that a controller that takes over knows everything.
//
//   <prefix>/nodes/<node>                   the node, with what it brings (`fl`); cleared by its last will
//   <prefix>/fl/<task>/controller           which controller has the task; cleared by its last will
//   <prefix>/fl/<task>/state                how far it is, and under which configuration
//   <prefix>/fl/<task>/nodes/<node>         what the node is to do
//   <prefix>/fl/<task>/progress/<node>      what its command reports

import { NODE_NAME } from '../../plan/learning/topology.ts';

/** What a topic speaks of. */
export type LearningTopic =
  | { readonly kind: 'node'; readonly node: string }
  | { readonly kind: 'controller' | 'state'; readonly task: string }
  | { readonly kind: 'part' | 'progress'; readonly task: string; readonly node: string };

/** The claim on a task. */
export const controllerTopic = (prefix: string, task: string): string => `${prefix}/fl/${task}/controller`;

/** The state of a task. */
export const stateTopic = (prefix: string, task: string): string => `${prefix}/fl/${task}/state`;

/** The part of one node in a task; `+` for any of either. */
export const partTopic = (prefix: string, task: string, node: string): string => `${prefix}/fl/${task}/nodes/${node}`;

/** What one node reports; `+` for any. */
export const progressTopic = (prefix: string, task: string, node: string): string =>
  `${prefix}/fl/${task}/progress/${node}`;

/** @returns null for a topic of none of these forms */
export function readTopic(prefix: string, topic: string): LearningTopic | null {
  if (!topic.startsWith(`${prefix}/`)) return null;
  const [first, second = '', third, fourth = '', ...rest] = topic.slice(prefix.length + 1).split('/');
  if (rest.length > 0 || !NODE_NAME.test(second)) return null;
  if (first === 'nodes') return third === undefined ? { kind: 'node', node: second } : null;
  if (first !== 'fl') return null;
  if (fourth === '') return third === 'controller' || third === 'state' ? { kind: third, task: second } : null;
  if (!NODE_NAME.test(fourth)) return null;
  if (third === 'nodes') return { kind: 'part', task: second, node: fourth };
  return third === 'progress' ? { kind: 'progress', task: second, node: fourth } : null;
}
