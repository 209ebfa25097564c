// The fields that an instance gets: the client's own, then what this proxy has to say. Made once a request; between two tries
// only the budget that is left changes.

import { randomUUID } from 'node:crypto';
import { addForwarded, type Peer } from './forwarded.ts';
import type { RequestHead } from './request-head.ts';

/** Takes over the head's own array. Gives the head a request id when it has none. */
export function upstreamFields(head: RequestHead, via: string, peer: Peer): string[] {
  const { fields } = head;
  if (head.host !== null) fields.push('Host', head.host);
  fields.push('Via', via);
  addForwarded(fields, head, peer);
  if (head.requestId === null) {
    head.requestId = randomUUID();
    fields.push('X-Request-Id', head.requestId);
  }
  fields.push('X-QEdge-Deadline-Ms', '');
  return fields;
}

/** Says what is left of the budget; the field is the last. */
export function setBudget(fields: string[], budgetLeftMs: number): void {
  fields[fields.length - 1] = String(Math.max(0, Math.floor(budgetLeftMs)));
}
