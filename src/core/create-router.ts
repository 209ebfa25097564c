// Puts a router together: the books of `router/` around a policy of the registry.

import { createPolicy } from './policies/registry.ts';
import { LiveServiceRouter } from './router/live-service-router.ts';
import type { ServiceRouter, ServiceRouterOptions } from './service-router.ts';

/** Makes the router of one service, without instances: those come by `applyPlacement`. */
export function createServiceRouter(options: ServiceRouterOptions): ServiceRouter {
  return new LiveServiceRouter(options, (context) => createPolicy(options.policy, context, options.prefer));
}
