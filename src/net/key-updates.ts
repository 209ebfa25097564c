// KeyUpdate messages of TLS 1.3 are bounded below JavaScript, which never sees them (build/native/tls.c).

import type { SecureContext, Server } from 'node:tls';
import { loadNativeAddon } from '../sea.ts';

/** As node keeps them: OpenSSL's own context, and that of a server. */
interface Internals {
  readonly context?: { readonly _external?: object };
  readonly _sharedCreds?: SecureContext;
}

/** For connections of the context from now on. Does nothing when run from source, and where the addon cannot be loaded. */
export function limitKeyUpdates(context: SecureContext): void {
  const external = (context as Internals).context?._external;
  if (external === undefined) return;
  try {
    loadNativeAddon()?.limitKeyUpdates(external);
  } catch {
    // Said when the service manager is first notified.
  }
}

/** The same for the context that the server has now. */
export function limitKeyUpdatesOf(server: Server): void {
  const context = (server as unknown as Internals)._sharedCreds;
  if (context !== undefined) limitKeyUpdates(context);
}
