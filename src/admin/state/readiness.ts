// When qedge is ready: it listens, and each service has somewhere to go — or placement has said all it knows.

export interface Lifecycle {
  /** The proxy port accepts connections. */
  readonly listening: boolean;
  /** Placement has heard everything retained; true as well when no broker is configured. */
  readonly placementSynced: boolean;
  readonly draining: boolean;
  /** Event loops that are gone or hang, by name: what the kernel gives them is not answered. */
  readonly absentWorkers: readonly string[];
}

/** Whether this node is ready, and why not. */
export interface Readiness {
  readonly ready: boolean;
  /** Why not, each for people; empty when ready. */
  readonly reasons: readonly string[];
  /** Services without an instance: their requests are refused. */
  readonly withoutInstance: readonly string[];
}

/** `instanceCounts`: live instances of each service. */
export function readiness(lifecycle: Lifecycle, instanceCounts: ReadonlyMap<string, number>): Readiness {
  const reasons: string[] = [];
  if (lifecycle.draining) reasons.push('draining');
  if (!lifecycle.listening) reasons.push('the proxy port is not listening yet');
  for (const worker of lifecycle.absentWorkers) reasons.push(`${worker} does not answer`);
  const withoutInstance = [...instanceCounts].filter(([, count]) => count === 0).map(([service]) => service);
  if (!lifecycle.placementSynced) {
    for (const service of withoutInstance) {
      reasons.push(`service "${service}" has no instance yet and placement is not synced`);
    }
  }
  return { ready: reasons.length === 0, reasons, withoutInstance };
}
