// What connections of HTTP/2 share with their port.

import type { ProxyConfig } from '../../../config/config.ts';
import type { Peer } from '../../fields/forwarded.ts';
import type { ServiceRuntime } from '../../service.ts';
import type { Dispatch } from '../dispatch.ts';

export interface Http2PortOptions {
  /** The one in force. */
  readonly config: () => ProxyConfig;
  readonly dispatch: Dispatch;
  readonly peerOf: (remoteAddress: string | undefined, encrypted: boolean) => Peer;
  readonly service: () => ServiceRuntime | null;
}
