// The demo's few files, in a folder of its own that goes when it stops: the configuration that the proxy was started
// with, to look at, and one frame to send by hand.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { QosTarget } from '../core/domain.ts';
import { LOOPBACK } from './emulated/loopback.ts';
import type { EmulatedInstance } from './emulated/node.ts';
import type { Scene } from './scenes/scene.ts';

export interface Workspace {
  readonly configFile: string;
  readonly frameFile: string;
  remove(): void;
}

export interface WorkspaceOptions {
  readonly scene: Scene;
  readonly proxyPort: number;
  readonly adminPort: number;
  readonly brokerUrl: string;
  /** Instances on the proxy's own node, by service. */
  readonly localInstances: ReadonlyMap<string, EmulatedInstance>;
  /** Null: the default policy. */
  readonly policy: string | null;
  readonly frame: Buffer;
}

export function createWorkspace(options: WorkspaceOptions): Workspace {
  const folder = mkdtempSync(join(tmpdir(), 'qedge-demo-'));
  const configFile = join(folder, 'qedge.toml');
  const frameFile = join(folder, 'frame.jpg');
  writeFileSync(configFile, configText(options));
  writeFileSync(frameFile, options.frame);
  const remove = (): void => {
    process.off('exit', remove);
    rmSync(folder, { recursive: true, force: true });
  };
  // Also when the process ends in a hurry.
  process.once('exit', remove);
  return { configFile, frameFile, remove };
}

/** What a person would write for this deployment. */
function configText({ scene, proxyPort, adminPort, brokerUrl, localInstances, policy }: WorkspaceOptions): string {
  const tier = scene.nodes.find(({ id }) => id === scene.localNodeId)?.tier;
  const services = scene.services.map(({ name, qos, requirements, objective }) =>
    [
      '[[service]]',
      `name = "${name}"`,
      `qos = { ${[...goalText(qos), ...requirements].join(', ')} }`,
      ...(objective === null ? [] : [`objective = { ${objective} }`]),
      ...(policy === null ? [] : [`policy = "${policy}"`]),
    ].join('\n'),
  );
  const local = [...localInstances].map(([service, { model, server }]) =>
    [
      '# The instance on this node: other nodes hear of it from here.',
      '[[announce]]',
      `service = "${service}"`,
      `id = "${service}"`,
      `url = "http://${LOOPBACK}:${server.port}"`,
      `labels = { tier = "${tier}" }`,
      ...(model.profile === null ? [] : [`profile = { ${fieldsText(model.profile)} }`]),
    ].join('\n'),
  );
  const sections = [
    `[node]\nid = "${scene.localNodeId}"\ntier = "${tier}"\naddress = "${LOOPBACK}"`,
    `[proxy]\nlisten = "${LOOPBACK}:${proxyPort}"\ndrain = "1s"`,
    `[admin]\nlisten = "${LOOPBACK}:${adminPort}"`,
    `[mqtt]\nurl = "${brokerUrl}"`,
    // Every node of the demo is this machine.
    '[placement]\nallow = ["127.0.0.0/8"]',
    '[store]\npath = false',
    // The picture has the screen; only what is wrong may break into it.
    '[log]\nlevel = "error"',
    ...services,
    ...local,
  ];
  return `# Written by qedge demo; it goes when the demo stops.\n\n${sections.join('\n\n')}\n`;
}

function goalText({ latencyMs, successRatio, windowMs }: QosTarget): string[] {
  return [`latency = "${latencyMs}ms"`, `success = ${successRatio}`, `window = "${windowMs / 1000}s"`];
}

function fieldsText(fields: Readonly<Record<string, number>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name} = ${value}`)
    .join(', ');
}
