// A response of node:http whose head leaves byte for byte when it leaves alone: node itself writes it as UTF-8 then, so that a byte
// above 0x7f of a field becomes two.

import { ServerResponse } from 'node:http';
import type { RawRequest } from './raw-request.ts';

const NOTHING = Buffer.alloc(0);

/** What node:http answers a client with, in place of its own. */
export class RawResponse extends ServerResponse<RawRequest> {
  /** A head without a body behind it leaves with its end. */
  override flushHeaders(): void {
    this.write(NOTHING);
  }
}
