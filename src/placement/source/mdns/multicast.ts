// The multicast group of DNS (RFC 6762, section 3) on the networks of this machine: one socket hears them all, one for each network
// speaks there. Nothing from beyond the networks is heard (section 11).

import { createSocket, type Socket } from 'node:dgram';
import { BlockList } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { isDeepStrictEqual } from 'node:util';

const GROUP = '224.0.0.251';
const PORT = 5353;
/** RFC 6762, section 11. */
const TTL = 255;
/** Networks come and go: looked at this often, ms. */
const LOOK_MS = 15_000;

export interface MulticastOptions {
  /** Names or addresses of the interfaces that are used; none: all that are not loopback. */
  readonly interfaces: readonly string[];
  /** `from`: the address of the sender. */
  readonly onMessage: (bytes: Buffer, from: string) => void;
  /** The networks changed, and the sockets are ready. */
  readonly onReady: () => void;
  /** Why nothing can be heard or said; null when that is over. */
  readonly onTrouble: (reason: string | null) => void;
}

interface Network {
  readonly address: string;
  readonly prefix: number;
}

export class Multicast {
  readonly #options: MulticastOptions;
  /** Null: to be opened. */
  #networks: readonly Network[] | null = null;
  #sockets: readonly Socket[] = [];
  #speakers: readonly Socket[] = [];
  #timer: NodeJS.Timeout | null = null;
  #opening: Promise<void> = Promise.resolve();

  constructor(options: MulticastOptions) {
    this.#options = options;
  }

  start(): void {
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  /** Resolves when what was sent is on its way. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#opening;
    await this.#close();
  }

  /** Sends to all networks. Resolves when it is sent; what cannot be sent is lost, as on any network. */
  async send(bytes: Buffer): Promise<void> {
    await Promise.all(
      this.#speakers.map((socket) => new Promise<void>((done) => socket.send(bytes, PORT, GROUP, () => done()))),
    );
  }

  #look(): void {
    const networks = networksOf(this.#options.interfaces);
    if (isDeepStrictEqual(networks, this.#networks)) return;
    this.#networks = networks;
    this.#opening = this.#opening.then(() => this.#close()).then(() => this.#open(networks));
  }

  async #open(networks: readonly Network[]): Promise<void> {
    const { interfaces, onMessage, onReady, onTrouble } = this.#options;
    if (networks.length === 0) {
      onTrouble(`no network ${interfaces.length === 0 ? 'with an IPv4 address' : `of ${interfaces.join(', ')}`}`);
      return;
    }
    const onLink = new BlockList();
    for (const { address, prefix } of networks) onLink.addSubnet(address, prefix, 'ipv4');
    try {
      const ear = await this.#bind('0.0.0.0');
      ear.on('message', (bytes, { address }) => {
        if (onLink.check(address, 'ipv4')) onMessage(bytes, address);
      });
      for (const { address } of networks) ear.addMembership(GROUP, address);
      this.#speakers = await Promise.all(networks.map(({ address }) => this.#speaker(address)));
      onTrouble(null);
      onReady();
    } catch (error) {
      // Looked at again, since another program may have the port for itself.
      this.#networks = null;
      onTrouble(error instanceof Error ? error.message : String(error));
    }
  }

  async #speaker(address: string): Promise<Socket> {
    const socket = await this.#bind(address);
    socket.setMulticastInterface(address);
    socket.setMulticastTTL(TTL);
    socket.setMulticastLoopback(true);
    return socket;
  }

  #bind(address: string): Promise<Socket> {
    // Others on this machine listen there as well.
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    this.#sockets = [...this.#sockets, socket];
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ port: PORT, address, exclusive: true }, () => {
        socket.off('error', reject);
        // A network that went away is noticed at the next look.
        socket.on('error', () => {});
        resolve(socket);
      });
    });
  }

  async #close(): Promise<void> {
    const sockets = this.#sockets;
    this.#sockets = [];
    this.#speakers = [];
    await Promise.all(
      sockets.map(
        (socket) =>
          new Promise<void>((done) => {
            socket.once('error', () => done());
            try {
              socket.close(() => done());
            } catch {
              done();
            }
          }),
      ),
    );
  }
}

function networksOf(wanted: readonly string[]): readonly Network[] {
  const isWanted = (name: string, { address, internal }: NetworkInterfaceInfo): boolean =>
    wanted.length === 0 ? !internal : wanted.includes(name) || wanted.includes(address);
  return Object.entries(networkInterfaces())
    .flatMap(([name, infos = []]) => infos.filter((info) => info.family === 'IPv4' && isWanted(name, info)))
    .map(({ address, cidr }) => ({ address, prefix: Number(cidr?.split('/')[1] ?? 32) }))
    .sort((a, b) => (a.address < b.address ? -1 : 1));
}
