// The configuration of an event loop that starts in place of another: as reloaded by now, but for what only a restart of the
// process changes, which is still as at the start.

import type { Config } from '../../config/config.ts';

/** `started`: what the process started with. */
export function boundConfig(started: Config, now: Config): Config {
  const { listen, workers, headerBytesMax, connectionsMax } = started.proxy;
  const tls = (started.proxy.tls === null) === (now.proxy.tls === null) ? now.proxy.tls : started.proxy.tls;
  return {
    ...now,
    proxy: { ...now.proxy, listen, workers, headerBytesMax, connectionsMax, tls },
    placement: started.placement,
    traces: started.traces,
  };
}
