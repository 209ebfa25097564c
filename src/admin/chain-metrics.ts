// The chains' state as metrics, mirrored at each scrape. Labels are bounded by chains and their stages.

import type { ChainState } from '../core/chain/chain.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** Registers everything that mirrors chains. `states` is called once a scrape. */
export function registerChainMetrics(metrics: Metrics, states: () => readonly ChainState[]): void {
  const gauge = (name: string, help: string, labels: readonly string[]) => metrics.gauge({ name, help, labels });
  const success = gauge('qedge_chain_success_ratio', 'Share of runs over the window that met the limit.', ['chain']);
  const satisfied = gauge(
    'qedge_chain_clients_satisfied_ratio',
    'Share of clients whose own runs succeed as often as asked for.',
    ['chain'],
  );
  const runs = gauge('qedge_chain_runs', 'Runs under way.', ['chain']);
  const limit = gauge('qedge_chain_latency_limit_seconds', 'The latency limit asked for.', ['chain']);
  const reserve = gauge('qedge_chain_stage_reserve_seconds', 'What is kept for a stage, as learned.', [
    'chain',
    'service',
  ]);
  const ended = metrics.counter({
    name: 'qedge_chain_runs_total',
    help: 'Runs that ended: success, late, failed, or abandoned by their client though nothing was wrong.',
    labels: ['chain', 'result'],
  });
  metrics.onScrape(() => {
    for (const family of [success, satisfied, runs, limit, reserve, ended]) family.clear();
    for (const state of states()) {
      const { chain } = state;
      if (state.successRatio !== null) success.with(chain).set(state.successRatio);
      if (state.clientsSatisfiedRatio !== null) satisfied.with(chain).set(state.clientsSatisfiedRatio);
      runs.with(chain).set(state.runs);
      limit.with(chain).set(state.qos.latencyMs / 1000);
      for (const { service, reserveMs } of state.stages) reserve.with(chain, service).set(reserveMs / 1000);
      for (const [result, count] of Object.entries(state.results)) ended.with(chain, result).increment(count);
    }
  });
}
