// The agent beside a proxy: made of the same configuration. The node is announced by the proxy's placement.

import type { Config, LearningConfig } from '../../config/config.ts';
import { createAddressPolicy } from '../../placement/address-policy.ts';
import type { Logger } from '../../telemetry/log.ts';
import { Agent } from './agent.ts';

/** Runs beside the proxy. */
export interface AgentCompanion {
  start(log: Logger): void;
  stop(): Promise<void>;
}

/** What `qedge run` runs beside the proxy where the configuration has `[fl]`. */
export function createCompanion({ node, mqtt, placement }: Config, learning: LearningConfig): AgentCompanion {
  let agent: Agent | null = null;
  return {
    start(log) {
      if (mqtt === null) return;
      const addresses = createAddressPolicy({ allow: placement.allow, ownListeners: () => [] });
      agent = new Agent({ node: node.id, host: node.address ?? '127.0.0.1', learning, mqtt, addresses, log });
      agent.start();
    },
    async stop() {
      const running = agent;
      agent = null;
      await running?.stop();
    },
  };
}
