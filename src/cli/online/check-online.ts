// `qedge check --online`: tries what the configuration names. Each thing is tried by itself and at the same time, so that one
// that hangs hides none of the others.

import { existsSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { isIP } from 'node:net';
import { dirname, join } from 'node:path';
import { namesIn } from '../../app/names.ts';
import { brokerHint } from '../../app/watch/troubles.ts';
import type { Config } from '../../config/config.ts';
import { isLoopback } from '../../config/loopback.ts';
import { createNameLookup } from '../../net/name-lookup.ts';
import { tryBroker } from '../../placement/broker/try-broker.ts';
import { AdminClient } from '../admin-client.ts';
import { certificateFindings } from './certificates.ts';
import { bad, type Finding, good, reasonOf } from './finding.ts';
import { instanceFindings } from './instances.ts';

export interface OnlineOptions {
  readonly config: Config;
  /** File of the configuration. */
  readonly file: string;
  /** A qedge holds its ports: most likely the one that it is for. */
  readonly running: boolean;
}

/** What failed is a finding among the others. */
export async function checkOnline({ config, file, running }: OnlineOptions): Promise<readonly Finding[]> {
  const names = [...new Set(namesIn(config))].filter((name) => isIP(name) === 0 && !isLoopback(name));
  const brokers = (config.mqtt?.urls ?? []).map((url) => brokerFinding(config, url, running));
  return Promise.all([
    ...brokers,
    ...names.map(nameFinding),
    ...instanceFindings(config),
    ...certificateFindings(config, Date.now()),
    ...(config.store.path === null ? [] : [storeFinding(config.store.path)]),
    clockFinding(file),
    ...(running ? [runningFinding(file)] : []),
  ]);
}

async function brokerFinding({ mqtt, node }: Config, url: string, running: boolean): Promise<Finding> {
  const subject = `broker ${url}`;
  if (mqtt === null) return bad(subject, 'no [mqtt]');
  const { error, protocol, refused, announced, nodes } = await tryBroker(mqtt, url, node.id);
  if (error !== null) return bad(subject, `${error}${brokerHint(url, error)}`);
  if (refused !== null) return bad(subject, `does not let this node read ${refused}: see its access list`);
  if (announced !== null && !running) {
    return bad(
      subject,
      `a node "${node.id}" is there already (${announced.slice(0, 200)}): does another one have its id?`,
    );
  }
  return good(subject, `lets this node in over MQTT ${protocol}, and knows ${nodes} nodes`);
}

async function nameFinding(name: string): Promise<Finding> {
  const subject = `name ${name}`;
  try {
    return good(subject, (await createNameLookup()(name)).addresses.join(', '));
  } catch (error) {
    return bad(subject, `does not resolve: ${reasonOf(error)}`);
  }
}

/** What the store needs at least, to write what it knows while the old copy is still there. */
const STORE_BYTES_MIN = 16 * 2 ** 20;

async function storeFinding(path: string): Promise<Finding> {
  const subject = `store ${path}`;
  let folder = dirname(path);
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const trial = join(folder, `.qedge-check-${process.pid}`);
  try {
    const { bavail, bsize } = statfsSync(folder);
    const left = `${Math.floor((bavail * bsize) / 2 ** 20)} MiB left`;
    if (bavail * bsize < STORE_BYTES_MIN) return bad(subject, `the disk is full: ${left}`);
    const startMs = performance.now();
    writeFileSync(trial, Buffer.alloc(4096), { flush: true });
    return good(subject, `can be written, which takes ${Math.round(performance.now() - startMs)} ms; ${left}`);
  } catch (error) {
    return bad(subject, reasonOf(error));
  } finally {
    await rm(trial, { force: true }).catch(() => {});
  }
}

const TIMESYNC = '/run/systemd/timesync';

/** Certificates, sessions and what the store brings back are judged by the clock. */
function clockFinding(file: string): Finding {
  const writtenMs = statSync(file).mtimeMs;
  const now = new Date().toISOString();
  if (writtenMs > Date.now() + 1000) return bad('clock', `says ${now}, yet ${file} was changed later than that`);
  if (existsSync(TIMESYNC) && !existsSync(join(TIMESYNC, 'synchronized'))) {
    return bad('clock', `says ${now}, and was not set by a time server yet (timedatectl)`);
  }
  return good('clock', `says ${now}`);
}

/** What the qedge that runs says of itself. */
async function runningFinding(file: string): Promise<Finding> {
  const subject = 'the qedge that runs';
  try {
    const { node } = await new AdminClient({ config: file }).get<{
      readonly node: { readonly troubles: readonly string[] };
    }>('/api/v1/state');
    return node.troubles.length === 0 ? good(subject, 'reports no trouble') : bad(subject, node.troubles.join('; '));
  } catch (error) {
    return bad(subject, reasonOf(error));
  }
}
