// The page as a whole: what is chosen, and where everything stands.

import { useEffect, useState } from 'preact/hooks';
import type { RouterState } from '../../core/service-router.ts';
import type { Connection } from './connection.ts';
import type { Model } from './model.ts';
import { type Route, readRoute, routeHref } from './route.ts';
import { Clients } from './views/clients.tsx';
import { Events } from './views/events.tsx';
import { Header } from './views/header.tsx';
import { InstanceDetail } from './views/instance-detail.tsx';
import { InstanceMap } from './views/instance-map.tsx';
import { InstanceTable } from './views/instance-table.tsx';
import { Login } from './views/login.tsx';
import { NodePanel } from './views/node-panel.tsx';
import { ServiceCards } from './views/service-cards.tsx';
import { SuccessPlot } from './views/success-plot.tsx';
import { Chains } from './views/together/chains.tsx';
import { Neighbours } from './views/together/neighbours.tsx';
import { WeightsPlot } from './views/weights-plot.tsx';

export interface AppProps {
  readonly model: Model;
  readonly connection: Connection;
}

export function App({ model, connection }: AppProps) {
  const route = useRoute();
  const { state } = model;
  const nodeId = state?.node.id;
  // Of several tabs each says whose it is.
  useEffect(() => {
    document.title = nodeId === undefined ? 'qedge' : `${nodeId} · qedge`;
  }, [nodeId]);
  if (model.status === 'locked') return <Login connection={connection} />;
  if (state === null) {
    return <p class="waiting">{model.status === 'lost' ? 'No answer from qedge. Trying again…' : 'Connecting…'}</p>;
  }
  const service = state.services.find((one) => one.service === route.service) ?? state.services[0];
  return (
    <>
      <a class="skip" href="#service">
        Skip to the service
      </a>
      <Header model={model} state={state} />
      <main class={model.status === 'lost' ? 'stale' : ''}>
        <ServiceCards model={model} services={state.services} chosen={service?.service ?? ''} />
        {service === undefined ? (
          <p class="waiting">No service is configured.</p>
        ) : (
          <ServiceView key={service.service} model={model} connection={connection} service={service} route={route} />
        )}
        {state.chains.length > 0 && <Chains chains={state.chains} />}
        {service !== undefined && state.node.neighbourhood !== null && (
          <Neighbours node={state.node} neighbourhood={state.node.neighbourhood} service={service} />
        )}
        <Events events={model.events} services={state.services.map((one) => one.service)} />
        <NodePanel node={state.node} />
      </main>
    </>
  );
}

interface ServiceViewProps extends AppProps {
  readonly service: RouterState;
  readonly route: Route;
}

function ServiceView({ model, connection, service, route }: ServiceViewProps) {
  const series = model.series(service.service);
  const [favourite] = useState(() => heaviest(service));
  const chosen =
    service.instances.find((one) => one.key === route.instance) ??
    service.instances.find((one) => one.key === favourite) ??
    service.instances[0];
  useEffect(() => {
    if (series.loaded) return;
    series.loaded = true;
    void connection.history(service.service).then((history) => {
      if (history !== null) series.prepend(history);
      model.changed();
    });
  }, [series]);
  const choose = (key: string): void => {
    history.replaceState(null, '', routeHref({ service: service.service, instance: key }));
    window.dispatchEvent(new HashChangeEvent('hashchange'));
  };
  const colourOf = (key: string): string => model.colourOf(service.service, key);
  const chosenKey = chosen?.key ?? '';
  return (
    <section id="service" class="service" tabIndex={-1} aria-label={`Service ${service.service}`}>
      <InstanceMap service={service} chosen={chosenKey} onChoose={choose} />
      {chosen !== undefined && <InstanceDetail connection={connection} service={service} instance={chosen} />}
      <InstanceTable service={service} chosen={chosenKey} onChoose={choose} colourOf={colourOf} />
      <WeightsPlot series={series} colourOf={colourOf} />
      <Clients service={service} />
      <SuccessPlot series={series} target={service.qos.successRatio} />
    </section>
  );
}

function heaviest(service: RouterState): string {
  return service.instances.reduce<{ key: string; weight: number }>(
    (best, one) => (one.weight > best.weight ? one : best),
    { key: '', weight: -1 },
  ).key;
}

function useRoute(): Route {
  const [route, setRoute] = useState(() => readRoute(location.hash));
  useEffect(() => {
    const follow = (): void => setRoute(readRoute(location.hash));
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }, []);
  return route;
}
