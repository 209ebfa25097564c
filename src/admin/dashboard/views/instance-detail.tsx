// One instance: the density of its latency as the routing sees it, with the limit drawn in, and every number.

import { useEffect, useState } from 'preact/hooks';
import type { InstanceState, RouterState } from '../../../core/service-router.ts';
import { reasonsText, seenSuccess, standingOf } from '../../../core/standing.ts';
import type { DensityDocument } from '../../state/state.ts';
import type { Connection } from '../connection.ts';
import { count, milliseconds, percent, perSecond, policyFigure } from '../format.ts';
import { DensityPlot } from './density-plot.tsx';
import { InstanceActions } from './instance-actions.tsx';
import { Panel } from './panel.tsx';

export interface InstanceDetailProps {
  readonly connection: Connection;
  readonly service: RouterState;
  readonly instance: InstanceState;
}

/** All that is known of one instance, and what can be done with it. */
export function InstanceDetail({ connection, service, instance }: InstanceDetailProps) {
  const density = useDensity(connection, service, instance.key);
  const standing = standingOf(instance);
  const policyFigures = Object.entries(instance.extra);
  return (
    <Panel
      title={instance.key}
      area="detail"
      aside={<span class={`standing standing-${standing.kind}`}>{standing.word}</span>}
    >
      <DensityPlot
        density={density}
        limitMs={service.qos.latencyMs}
        successProbability={instance.successProbability}
        target={service.qos.successRatio}
      />
      {instance.note !== '' && <p class="note">{instance.note}</p>}
      {instance.reasons.length > 0 && (
        <p class="note" data-testid="reasons">
          Last attempts: {reasonsText(instance.reasons)}
        </p>
      )}
      <dl class="facts">
        <Fact name="Weight" value={percent(instance.weight, 1)} />
        <Fact name="Success probability" value={percent(seenSuccess(instance), 1)} />
        <Fact name="Network round trip" value={instance.rttKnown ? milliseconds(instance.rttMs) : 'not measured yet'} />
        <Fact name="Processing" value={milliseconds(instance.processingMs)} />
        <Fact name="In flight" value={String(instance.inFlight)} />
        <Fact name="Requests/s" value={perSecond(instance.requestsPerSecond)} />
        <Fact name="Samples" value={count(instance.samples)} />
        <Fact name="Failures" value={`${count(instance.failures)} of ${count(instance.requests)}`} />
        <Fact
          wide
          name="Address"
          value={`${instance.instance.scheme}://${instance.instance.host}:${instance.instance.port}`}
        />
      </dl>
      {policyFigures.length > 0 && (
        <>
          <h3 class="facts-of">Figures of {service.policy}</h3>
          <dl class="facts facts-own">
            {policyFigures.map(([name, value]) => {
              const [label, text] = policyFigure(name, value);
              return <Fact key={name} name={label} value={text} />;
            })}
          </dl>
        </>
      )}
      <InstanceActions key={instance.key} connection={connection} service={service.service} instance={instance} />
    </Panel>
  );
}

interface FactProps {
  readonly name: string;
  readonly value: string;
  /** Spans two columns. */
  readonly wide?: true;
}

function Fact({ name, value, wide }: FactProps) {
  return (
    <div class={wide ? 'wide' : ''}>
      <dt>{name}</dt>
      <dd class="num">{value}</dd>
    </div>
  );
}

/** Fetches the density with each new state; shows the last one meanwhile. */
function useDensity(connection: Connection, service: RouterState, key: string): DensityDocument | null {
  const [density, setDensity] = useState<DensityDocument | null>(null);
  useEffect(() => {
    let wanted = true;
    void connection.density(service.service, key).then((density) => {
      if (wanted) setDensity(density);
    });
    return () => {
      wanted = false;
    };
  }, [service, key]);
  return density?.key === key ? density : null;
}
