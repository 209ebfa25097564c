// What is looked at, kept in the address so that a link or a reload comes back to it: `#/pilotnet?instance=pi-1/a`.

export interface Route {
  readonly service: string | null;
  readonly instance: string | null;
}

export function readRoute(hash: string): Route {
  const match = /^#\/([^?]+)(?:\?instance=(.*))?$/.exec(hash);
  return { service: decode(match?.[1]), instance: decode(match?.[2]) };
}

/** The fragment of the page's address that shows this route. */
export function routeHref(route: Route): string {
  const instance = route.instance === null ? '' : `?instance=${encodeURIComponent(route.instance)}`;
  return `#/${encodeURIComponent(route.service ?? '')}${instance}`;
}

function decode(text: string | undefined): string | null {
  if (text === undefined || text === '') return null;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
