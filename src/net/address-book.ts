// What the names that this process connects to stand for, looked up without waiting: the resolver keeps the book, and
// every module that opens a connection reads it. One book a thread, as there is one resolver a system.

import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';

/** What is known of a name. */
export type Resolution =
  /** Nothing yet: it is being asked for. */
  | { readonly kind: 'pending' }
  /** At least one address, the best first. */
  | { readonly kind: 'known'; readonly addresses: readonly string[] }
  | { readonly kind: 'failed'; readonly reason: string };

/** A name that was never resolved yet is waited for so long, ms. */
const PENDING_MS_MAX = 5_000;

const LOOPBACK = ['127.0.0.1', '::1'];

interface Waiting {
  readonly name: string;
  readonly done: (resolution: Resolution) => void;
  readonly timer: NodeJS.Timeout;
}

export class AddressBook {
  readonly #entries = new Map<string, Resolution>();
  readonly #waiting = new Set<Waiting>();

  /** `resolution` null: the name is not kept any more. */
  set(name: string, resolution: Resolution | null): void {
    const key = keyOf(name);
    if (resolution === null) this.#entries.delete(key);
    else this.#entries.set(key, resolution);
    if (resolution?.kind === 'pending') return;
    for (const waiting of this.#waiting) {
      if (waiting.name === key) this.#resolve(waiting, resolution ?? { kind: 'failed', reason: 'is not asked for' });
    }
  }

  /** Every name that is kept. */
  entries(): readonly (readonly [string, Resolution])[] {
    return [...this.#entries];
  }

  /** Null for a name that is not kept. An address stands for itself, `localhost` for the loopback (RFC 6761, 6.3). */
  get(name: string): Resolution | null {
    if (isIP(name) !== 0) return { kind: 'known', addresses: [name] };
    const key = keyOf(name);
    if (isLocalhost(key)) return { kind: 'known', addresses: LOOPBACK };
    return this.#entries.get(key) ?? null;
  }

  /** The addresses of a name, waited for where it was never resolved. Rejects with a reason that names it. */
  async addressesOf(name: string): Promise<readonly string[]> {
    const resolution = this.get(name) ?? (await askSystem(name));
    const final = resolution.kind === 'pending' ? await this.#wait(name) : resolution;
    if (final.kind === 'known') return final.addresses;
    throw unresolved(name, final.kind === 'failed' ? final.reason : 'no answer in time');
  }

  /** For `net.connect` and what is built on it: calls back at once where the name is known. */
  readonly lookup: LookupFunction = (name, options, callback) => {
    const known = this.get(name);
    if (known === null) systemLookup(name, options, callback);
    else if (known.kind === 'known') answer(name, known.addresses, { options, callback });
    else {
      this.addressesOf(name).then(
        (addresses) => answer(name, addresses, { options, callback }),
        (error: NodeJS.ErrnoException) => callback(error, []),
      );
    }
  };

  #wait(name: string): Promise<Resolution> {
    return new Promise((done) => {
      const timer = setTimeout(() => this.#resolve(waiting, { kind: 'pending' }), PENDING_MS_MAX);
      const waiting: Waiting = { name: keyOf(name), done, timer };
      this.#waiting.add(waiting);
    });
  }

  #resolve(waiting: Waiting, resolution: Resolution): void {
    clearTimeout(waiting.timer);
    this.#waiting.delete(waiting);
    waiting.done(resolution);
  }
}

/** The book of this thread. */
export const addressBook = new AddressBook();

/** Code of the error of a name that has no address, as the system's own. */
export const UNRESOLVED = 'ENOTFOUND';

/** Whether the name stands for the loopback without being asked for. */
export function isLocalhost(name: string): boolean {
  return /(?:^|\.)localhost\.?$/i.test(name);
}

/** Names mean the same in either case, and with the dot of the root behind them. */
function keyOf(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

type LookupParameters = Parameters<LookupFunction>;

function answer(
  name: string,
  addresses: readonly string[],
  { options, callback }: { readonly options: LookupParameters[1]; readonly callback: LookupParameters[2] },
): void {
  const wanted = options.family === 4 || options.family === 'IPv4' ? 4 : options.family === 6 ? 6 : 0;
  const fitting = addresses
    .map((address) => ({ address, family: isIP(address) }))
    .filter(({ family }) => wanted === 0 || family === wanted);
  const [first] = fitting;
  if (first === undefined) callback(unresolved(name, `has no IPv${wanted} address`), []);
  else if (options.all === true) callback(null, fitting);
  else callback(null, first.address, first.family);
}

function unresolved(name: string, reason: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`name ${JSON.stringify(name)} does not resolve: ${reason}`), { code: UNRESOLVED });
}

/** Why the system found no address, in words. */
export function lookupFailure(error: NodeJS.ErrnoException | null): string {
  if (error?.code === 'ENOTFOUND') return 'no such name';
  return error?.code === 'EAI_AGAIN' ? 'no name server answers' : (error?.code ?? 'no address');
}

/** For names that no configuration has: commands that ask once. */
function askSystem(name: string): Promise<Resolution> {
  return new Promise((resolve) => {
    systemLookup(name, { all: true }, (error, found) => {
      const addresses = error === null ? found.map(({ address }) => address) : [];
      resolve(addresses.length > 0 ? { kind: 'known', addresses } : { kind: 'failed', reason: lookupFailure(error) });
    });
  });
}
