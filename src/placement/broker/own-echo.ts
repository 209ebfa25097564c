// What the broker says of this very node: our own words coming back, or something that needs putting right. Pure.

import type { PlacementMessage } from '../messages/message.ts';

export interface OwnContext {
  readonly nodeId: string;
  readonly boot: string;
  readonly retained: boolean;
  /** Whether this process announces that instance now, or may yet. */
  readonly announces: (service: string, id: string) => boolean;
}

export type OwnVerdict =
  /** About another node, or said of this one by something else than a qedge: a message like any other. */
  | 'not-ours'
  /** What we said ourselves, or an earlier life of ours did. */
  | 'echo'
  /** What still holds was cleared, be it by the last will of a connection that we have replaced: say it again. */
  | 'repeat'
  /** It was announced here, in this life or an earlier one, and could not be taken back: the broker was away. */
  | 'take-back'
  /** This node, announced: by this process, by an earlier life of it, or by another process (own-voice.ts). */
  | 'own-node';

export function judgeOwn(message: PlacementMessage, { nodeId, boot, retained, announces }: OwnContext): OwnVerdict {
  if (message.kind === 'node-cleared') return message.nodeId === nodeId ? 'repeat' : 'not-ours';
  if (message.kind === 'node-set') return message.node.id === nodeId ? 'own-node' : 'not-ours';
  if (message.kind === 'instance-cleared') {
    return message.nodeId === nodeId && announces(message.service, message.id) ? 'repeat' : 'not-ours';
  }
  if (message.kind !== 'instance-set' || message.instance.nodeId !== nodeId || message.boot === null) return 'not-ours';
  const { service, id } = message.instance;
  // What comes live in our own words was said just before it was taken back.
  const justSaid = message.boot === boot && !retained;
  return justSaid || announces(service, id) ? 'echo' : 'take-back';
}
