// Services at a glance: does each meet its target now, and how much does it carry?

import type { RouterState } from '../../../core/service-router.ts';
import { costPerRequest, energyPerRequest, requirementText } from '../../../core/standing.ts';
import { successColour } from '../colours.ts';
import { milliseconds, percent, perSecond } from '../format.ts';
import type { Model } from '../model.ts';
import { routeHref } from '../route.ts';
import { Sparkline } from './sparkline.tsx';
import { TargetBar } from './target-bar.tsx';

export interface ServiceCardsProps {
  readonly model: Model;
  readonly services: readonly RouterState[];
  readonly chosen: string;
}

/** A card a service, to choose from. */
export function ServiceCards({ model, services, chosen }: ServiceCardsProps) {
  return (
    <nav class="cards" aria-label="Services">
      {services.map((service) => (
        <Card key={service.service} model={model} service={service} chosen={service.service === chosen} />
      ))}
    </nav>
  );
}

interface CardProps {
  readonly model: Model;
  readonly service: RouterState;
  readonly chosen: boolean;
}

function Card({ model, service, chosen }: CardProps) {
  const { qos, summary } = service;
  const energyMwh = energyPerRequest(service.instances);
  const cost = costPerRequest(service.instances);
  const samples = model.series(service.service).samples;
  const exploited = service.instances.filter((one) => one.pool === 'exploitation').length;
  return (
    <a
      class="card"
      href={routeHref({ service: service.service, instance: null })}
      aria-current={chosen ? 'true' : undefined}
      onClick={showService}
    >
      <span class="card-head">
        <strong>{service.service}</strong>
        <span class="tag">{service.policy}</span>
        {summary.panic && <span class="tag tag-bad">panic</span>}
        <span class="card-target">
          ≤ {milliseconds(qos.latencyMs)} for {percent(qos.successRatio)}
        </span>
      </span>
      <span class="card-main">
        <span class="big" style={{ color: successColour(service.clientsSatisfiedRatio, 1) }} data-testid="satisfied">
          {percent(service.clientsSatisfiedRatio)}
        </span>
        <span class="big-label">of clients meet QoS now</span>
        <Sparkline values={samples.map((sample) => sample.successRatio)} target={qos.successRatio} />
      </span>
      <span class="card-bar">
        <span>Success over {Math.round(qos.windowMs / 1000)} s</span>
        <span class="num" data-testid="success">
          {percent(service.successRatio, 1)}
        </span>
        <TargetBar ratio={service.successRatio} target={qos.successRatio} />
      </span>
      <span class="card-facts">
        <Fact label="requests/s" value={perSecond(service.requestsPerSecond)} />
        <Fact label="in flight" value={String(service.inFlight)} />
        <Fact label="exploitation" value={`${exploited} of ${service.instances.length}`} />
        <Fact label="exploration" value={percent(summary.explorationShare, 1)} />
        {service.requirements
          .filter(({ clientsRatio }) => clientsRatio !== null)
          .map((one) => (
            <Fact
              key={one.requirement}
              label={one.requirement}
              value={percent(one.clientsRatio)}
              missed={(one.clientsRatio ?? 1) < 1}
              title={`${requirementText(one)}: holds for ${percent(one.clientsRatio)} of clients`}
            />
          ))}
        {energyMwh !== null && <Fact label="mWh/request" value={energyMwh.toFixed(3)} />}
        {cost !== null && <Fact label="cost/request" value={cost} />}
        {service.affinity !== null && <Fact label="sessions" value={String(service.affinity.sessions)} />}
        {service.affinity !== null && <Fact label="moved" value={String(service.affinity.moved)} />}
        {service.groups
          .filter(({ instances }) => instances > 0)
          .map(({ name, share }) => (
            <Fact key={name} label={`to ${name}`} value={percent(share)} />
          ))}
      </span>
    </a>
  );
}

/** Where the cards fill the window, what is chosen stands below all of them. */
function showService(): void {
  requestAnimationFrame(() => {
    const service = document.getElementById('service');
    if (service !== null && service.getBoundingClientRect().top > window.innerHeight) service.scrollIntoView();
  });
}

interface FactProps {
  readonly label: string;
  readonly value: string;
  /** A requirement that some client misses. */
  readonly missed?: boolean;
  readonly title?: string;
}

function Fact({ label, value, missed = false, title }: FactProps) {
  return (
    <span class={missed ? 'tag-bad' : undefined} title={title}>
      <b class="num">{value}</b> {label}
    </span>
  );
}
