// The fields that an instance gets: the client's own, then what this proxy has to say. Made once a request; between two attempts
// only the time that is left of the client's deadline changes.

import { randomBytes } from 'node:crypto';
import { writeGrpcTimeout } from '../../core/verdict/grpc.ts';
import { addForwarded, type Peer } from './forwarded.ts';
import { DEADLINE_MS_MAX, type RequestHead } from './request-head.ts';

/** Unique among all proxies by the prefix, among this one's requests by the count: a random id each would cost more than routing. */
const ID_PREFIX = randomBytes(9).toString('base64url');
let requests = 0;

function nextRequestId(): string {
  requests++;
  return `${ID_PREFIX}-${requests}`;
}

/** Takes over the head's own array. Gives the head a request id when it has none. */
export function upstreamFields(head: RequestHead, via: string, peer: Peer): string[] {
  const { fields } = head;
  if (head.host !== null) fields.push('Host', head.host);
  fields.push('Via', via);
  addForwarded(fields, head, peer);
  if (head.requestId === null) {
    head.requestId = nextRequestId();
    fields.push('X-Request-Id', head.requestId);
  }
  if (head.hasGrpcTimeout) fields.push('grpc-timeout', '');
  if (head.deadlineMs !== null) fields.push('X-QEdge-Deadline-Ms', '');
  return fields;
}

/**
 * Says what is left of the deadline that the client set, for a head that has one: `fields` ends with it. The service's own limit
 * stays here: a second proxy would take it for the client's word, and would refuse an answer that is late but wanted.
 */
export function setDeadline(fields: string[], { hasGrpcTimeout }: RequestHead, leftMs: number): void {
  const wholeMs = Math.min(DEADLINE_MS_MAX, Math.max(0, Math.floor(leftMs)));
  fields[fields.length - 1] = String(wholeMs);
  if (hasGrpcTimeout) fields[fields.length - 3] = writeGrpcTimeout(wholeMs);
}
