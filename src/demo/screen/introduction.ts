// The demo's first words: what was started, where it listens, and how to send a request of one's own.

import type { Paint } from '../../terminal/paint.ts';
import { FRAMES_PER_SECOND, LOCAL_NODE_ID, SERVICES, TOPIC_PREFIX } from '../emulated/topology.ts';

export interface Introduction {
  readonly proxyUrl: string;
  readonly adminUrl: string;
  readonly brokerUrl: string;
  readonly nodes: number;
  readonly instances: number;
  readonly clients: number;
  readonly frameBytes: number;
  readonly configFile: string;
  readonly frameFile: string;
}

/** A frame sent by hand, in one line of less than 80 characters: the service is named by `Host`. */
export function curlLine({ proxyUrl, frameFile }: Pick<Introduction, 'proxyUrl' | 'frameFile'>): string {
  return `curl -T ${frameFile} -H Host:${SERVICES[0]?.name} ${new URL(proxyUrl).host}`;
}

/** What is printed once, before the picture. */
export function renderIntroduction(facts: Introduction, paint: Paint): readonly string[] {
  const line = (name: string, text: string): string => `  ${paint('dim', name.padEnd(10))} ${text}`;
  const limits = SERVICES.map(({ name, qos }) => `${name} in ${qos.latencyMs} ms`).join(', ');
  const { successRatio = 0, windowMs = 0 } = SERVICES[0]?.qos ?? {};
  const frameKb = (facts.frameBytes / 1000).toFixed(0);
  return [
    `${paint('strong', 'qedge demo')}: ${facts.nodes} emulated nodes, ${facts.instances} instances of ` +
      `${SERVICES.length} services, a broker, the proxy.`,
    '',
    line('proxy', `${facts.proxyUrl}  (on node ${LOCAL_NODE_ID})`),
    line('dashboard', facts.adminUrl),
    line('broker', `${facts.brokerUrl}  (topics ${TOPIC_PREFIX}/#)`),
    line('config', facts.configFile),
    line(
      'load',
      facts.clients === 0
        ? 'none: send requests of your own'
        : `${facts.clients} cameras, ${FRAMES_PER_SECOND} JPEG frames/s each, about ${frameKb} KB a frame`,
    ),
    line('goal', limits),
    line('', `for ${successRatio * 100} % of each client's requests over ${windowMs / 1000} s`),
    '',
    'Send a frame yourself:',
    '',
    `  curl -i -H 'X-QEdge-Service: ${SERVICES[0]?.name}' ${facts.proxyUrl}/ \\`,
    `    --data-binary @${facts.frameFile}`,
    '',
  ];
}
