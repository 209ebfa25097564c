// The router of the port: Hono decides what a request is for. Its handlers answer on the raw response, so that no Request,
// Response or stream is made on the way; the marker they return says so.

import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { RegExpRouter } from 'hono/router/reg-exp-router';
import type { ProxyContext } from '../exchange/context.ts';
import { Exchange } from '../exchange/exchange.ts';
import type { ExchangeClient } from '../exchange/exchange-connection.ts';

/** Takes one request from the port; returns at once, the answer follows. */
export type Route = (client: ExchangeClient) => void;

export function createRoutes(context: ProxyContext): Route {
  const app = new Hono<{ Bindings: ExchangeClient }>({
    router: new RegExpRouter(),
    getPath: (request, options) => ownPath(request.url, options?.env as ExchangeClient),
  });
  app.get('/-/ping', (c) => {
    ping(c.env, context);
    return RESPONSE_ALREADY_SENT;
  });
  app.all('*', (c) => {
    new Exchange(context, c.env).begin();
    return RESPONSE_ALREADY_SENT;
  });
  // Hono passes its request on to `getPath` alone and reads no more of it than the method.
  return (bindings) => void app.fetch(bindings.request as unknown as Request, bindings);
}

/** Only paths under /-/ on the shared port can be ours; everything else is one route, whatever its path. */
function ownPath(target: string, { connection }: ExchangeClient): string {
  if (!target.startsWith('/-/') || connection.service !== null) return '/';
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

/** What other nodes probe. */
function ping({ response }: ExchangeClient, { draining }: ProxyContext): void {
  response.writeHead(204, draining ? ['Connection', 'close'] : []);
  response.end();
}
