// The part of a node as environment variables of its command.

import type { Part } from '../messages/payloads.ts';

/** What the node itself knows. */
export interface OwnFacts {
  readonly task: string;
  readonly node: string;
  /** Where its command listens. */
  readonly host: string;
  readonly port: number;
  readonly samples: Readonly<Record<string, number>>;
}

/** A variable that this role does not have is empty, so that it is not inherited from the environment of qedge. */
export function environmentOf(
  part: Part,
  { task, node, host, port, samples }: OwnFacts,
): Readonly<Record<string, string>> {
  return {
    FL_TASK: task,
    FL_NODE: node,
    FL_ROLE: part.role,
    FL_HOST: host,
    FL_PORT: String(port),
    FL_PARENT: part.parent ?? '',
    FL_CHILDREN: String(part.children),
    FL_EPOCHS: String(part.epochs),
    FL_LOCAL_ROUNDS: String(part.local_rounds),
    FL_ROUND: String(part.round),
    FL_GENERATION: String(part.generation),
    FL_SNAPSHOT_URL: part.snapshot_url ?? '',
    FL_SAMPLES: Object.entries(samples)
      .map(([name, count]) => `${name}:${count}`)
      .join(','),
  };
}
