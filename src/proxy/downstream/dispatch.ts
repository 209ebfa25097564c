// What a request from the port is: one of the proxy's own endpoints under /-/, which Hono's router finds, or an exchange. A
// request for a service never meets that router. Endpoints answer on the raw response: a Request and a Response of the fetch API
// would cost more than a ping takes, and 100 ms of processor to load.

import type { Router } from 'hono/router';
import { LinearRouter } from 'hono/router/linear-router';
import type { ExchangeClient } from '../exchange/client/connection.ts';
import type { ProxyContext } from '../exchange/context.ts';
import { Exchange } from '../exchange/exchange.ts';

/** Takes one request from the port; returns at once, the answer follows. */
export type Dispatch = (client: ExchangeClient) => void;

/** Where the endpoints are, on the shared port; a port of a service is all the service's. */
const OWN = '/-/';

/** Makes the dispatch of one data plane. */
export function createDispatch(context: ProxyContext): Dispatch {
  const endpoints = ownEndpoints(context);
  return (client) => {
    const { url = '', method = '' } = client.request;
    const own = url.startsWith(OWN) && client.connection.service === null ? find(endpoints, method, url) : null;
    if (own !== null) own(client);
    else new Exchange(context, client).begin();
  };
}

function ownEndpoints(context: ProxyContext): Router<Dispatch> {
  const endpoints = new LinearRouter<Dispatch>();
  // What other nodes probe.
  const ping: Dispatch = ({ response }) => {
    // The clock that deadlines are written in, which is set now and then; what counts on from the start of a process is not.
    const time = ['X-QEdge-Time', String(Date.now())];
    response.writeHead(204, context.draining ? [...time, 'Connection', 'close'] : time);
    response.end();
  };
  endpoints.add('GET', '/-/ping', ping);
  endpoints.add('HEAD', '/-/ping', ping);
  return endpoints;
}

function find(endpoints: Router<Dispatch>, method: string, target: string): Dispatch | null {
  const query = target.indexOf('?');
  const [matches] = endpoints.match(method, query < 0 ? target : target.slice(0, query));
  return matches[0]?.[0] ?? null;
}
