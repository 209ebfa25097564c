// The demo's first words: what was started, where it listens, and how to send a request of one's own.

import type { Paint } from '../../terminal/paint.ts';
import { TOPIC_PREFIX } from '../emulated/node.ts';
import type { Scene } from '../scenes/scene.ts';

export interface Introduction {
  readonly scene: Scene;
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
export function curlLine({
  scene,
  proxyUrl,
  frameFile,
}: Pick<Introduction, 'scene' | 'proxyUrl' | 'frameFile'>): string {
  return `curl -T ${frameFile} -H Host:${scene.services[0]?.name} ${new URL(proxyUrl).host}`;
}

/** What is printed once, before the picture. */
export function renderIntroduction(facts: Introduction, paint: Paint): readonly string[] {
  const line = (name: string, text: string): string => `  ${paint('dim', name.padEnd(10))} ${text}`;
  const { services, localNodeId, framesPerSecond } = facts.scene;
  const limits = services.map(({ name, qos }) => `${name} in ${qos.latencyMs} ms`).join(', ');
  const { successRatio = 0, windowMs = 0 } = services[0]?.qos ?? {};
  const frameKb = (facts.frameBytes / 1000).toFixed(0);
  return [
    `${paint('strong', 'qedge demo')}: ${facts.nodes} emulated nodes, ${facts.instances} instances of ` +
      `${services.length} services, a broker, the proxy.`,
    '',
    line('proxy', `${facts.proxyUrl}  (on node ${localNodeId})`),
    line('dashboard', facts.adminUrl),
    line('broker', `${facts.brokerUrl}  (topics ${TOPIC_PREFIX}/#)`),
    line('config', facts.configFile),
    line(
      'load',
      facts.clients === 0
        ? 'none: send requests of your own'
        : `${facts.clients} cameras, ${framesPerSecond} JPEG frames/s each, about ${frameKb} KB a frame`,
    ),
    line('goal', limits),
    line('', `for ${successRatio * 100} % of each client's requests over ${windowMs / 1000} s`),
    '',
    'Send a frame yourself:',
    '',
    `  curl -i -H 'X-QEdge-Service: ${services[0]?.name}' ${facts.proxyUrl}/ \\`,
    `    --data-binary @${facts.frameFile}`,
    '',
  ];
}
