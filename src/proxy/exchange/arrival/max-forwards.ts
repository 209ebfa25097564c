// OPTIONS and TRACE with Max-Forwards (RFC 9110 section 7.6.2): each proxy subtracts one, and the one that receives 0
// answers itself.

import { ProxyError } from '../../../errors.ts';
import type { RequestHead } from '../../fields/request-head.ts';

/** Methods for which a proxy must obey the field. */
const LIMITED: ReadonlySet<string> = new Set(['OPTIONS', 'TRACE']);

/** What the last recipient answers. */
export interface LastHopAnswer {
  readonly status: number;
  readonly fields: string[];
  readonly body: string;
}

/** Counts this hop in `head`. Returns an answer when the request must go no further; throws `ProxyError` for a bad count. */
export function countHop(head: RequestHead, method: string, viaName: string): LastHopAnswer | null {
  const { maxForwards } = head;
  if (maxForwards === null) return null;
  if (!LIMITED.has(method)) {
    head.fields.push('Max-Forwards', maxForwards);
    return null;
  }
  if (!/^\d{1,9}$/.test(maxForwards)) {
    throw new ProxyError('bad-request', `invalid Max-Forwards ${JSON.stringify(maxForwards)}`, {
      source: 'downstream',
    });
  }
  const left = Number(maxForwards);
  if (left > 0) {
    head.fields.push('Max-Forwards', String(left - 1));
    return null;
  }
  return method === 'TRACE' ? echo(head, viaName) : { status: 204, fields: [], body: '' };
}

/** RFC 9110 section 9.3.8: nothing of the request that may be a secret. */
function echo({ target, host, via }: RequestHead, viaName: string): LastHopAnswer {
  const hops = via === null ? `1.1 ${viaName}` : `${via}, 1.1 ${viaName}`;
  const body = `TRACE ${target} HTTP/1.1\r\nHost: ${host ?? ''}\r\nVia: ${hops}\r\nMax-Forwards: 0\r\n\r\n`;
  return { status: 200, fields: ['Content-Type', 'message/http', 'Content-Length', String(body.length)], body };
}
