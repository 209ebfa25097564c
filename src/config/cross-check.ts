// Mistakes that show only between sections: names used twice, listeners that collide, a service that could never get an instance.

import { accessSync, constants } from 'node:fs';
import { instanceKey } from '../core/domain.ts';
import { checkPolicy } from '../core/policies/registry.ts';
import { isGood } from '../core/verdict/rules.ts';
import type { Problem } from '../errors.ts';
import { checkRequirements } from './check-requirements.ts';
import type { AnnounceConfig, ChainConfig, Config, ListenAddress, ServiceConfig } from './config.ts';
import { isLoopback } from './loopback.ts';
import { suggest } from './suggest.ts';
import { certificatesProblem, keyProblem } from './tls-material.ts';
import type { TomlDocument, TomlPath } from './toml.ts';
import { problemAt } from './validate.ts';

/** An entry of a list by its position in the file. */
export interface Indexed<T> {
  readonly index: number;
  readonly value: T;
}

/** A config of which parts may have failed their own validation: undefined, or left out of a list. */
export type PartialConfig = {
  readonly [Key in Exclude<keyof Config, 'services' | 'chains' | 'announce'>]: Config[Key] | undefined;
} & {
  readonly services: readonly Indexed<ServiceConfig>[];
  readonly chains: readonly Indexed<ChainConfig>[];
  readonly announce: readonly Indexed<AnnounceConfig>[];
};

type Report = (path: TomlPath, message: string) => void;

/** Adds every problem between sections; parts that are missing are not held against others. */
export function crossCheck(document: TomlDocument, parts: PartialConfig, problems: Problem[]): void {
  const report: Report = (path, message) => problems.push(problemAt(document, path, message));
  checkNames(document, parts, report);
  checkSomethingToDo(document, report);
  checkLearning(document, parts, report);
  for (const { index, value } of parts.services) {
    checkInstances(value, ['service', index], report);
    checkRetries(value, ['service', index, 'retry', 'statuses'], report);
    checkPolicyOptions(value, ['service', index, 'policy'], report);
    checkRequirements(value, ['service', index], report);
  }
  checkPolicyNames(document, parts, report);
  checkAnnounced(document, parts, report);
  checkServiceNames(document, parts, report);
  checkChains(document, parts, report);
  checkListeners(parts, report);
  checkAdmin(parts, report);
  checkTls(parts, report);
}

function checkNames({ root }: TomlDocument, { announce }: PartialConfig, report: Report): void {
  const seen = new Set<string>();
  // As they were written: a service with a mistake of its own still has its name.
  const services: readonly { readonly name?: unknown }[] = Array.isArray(root.service) ? root.service : [];
  for (const [index, { name }] of services.entries()) {
    if (typeof name !== 'string') continue;
    // Host names carry no case, and the first label of one may name the service.
    if (seen.has(name.toLowerCase())) report(['service', index, 'name'], `a service named "${name}" is there already`);
    seen.add(name.toLowerCase());
  }
  const announced = new Set<string>();
  for (const { index, value } of announce) {
    const key = `${value.service}/${value.id}`;
    if (announced.has(key))
      report(['announce', index], `instance "${value.id}" of "${value.service}" is announced already`);
    announced.add(key);
  }
}

function checkSomethingToDo({ root }: TomlDocument, report: Report): void {
  if (root.service === undefined && root.announce === undefined && root.fl === undefined) {
    report([], 'nothing to do: expected at least one [[service]] or [[announce]]');
  }
}

/** Tasks come over the broker, and are for a node that others reach. */
function checkLearning({ root }: TomlDocument, { fl, node, mqtt }: PartialConfig, report: Report): void {
  if (root.fl === undefined) return;
  if (root.mqtt === undefined) report(['fl'], 'tasks come over a broker: expected [mqtt] as well');
  if (mqtt?.native === false) report(['mqtt', 'native'], 'this node takes part in federated learning: expected true');
  if (node !== undefined && node.address === null)
    report(['fl'], 'expected node.address as well, where others reach it');
  if (!fl) return;
  const samples = Object.values(fl.samples);
  if (fl.role === 'client' && samples.every((count) => count === 0)) {
    report(['fl', 'samples'], 'a client without samples has nothing to learn from');
  }
  if (fl.role !== 'client' && samples.length > 0) report(['fl', 'samples'], `a ${fl.role} trains nothing`);
  const bytes = JSON.stringify([fl.costs, fl.samples]).length;
  if (bytes > LEARNING_BYTES_MAX) {
    report(
      ['fl'],
      `costs and samples are announced: expected at most ${LEARNING_BYTES_MAX} bytes as JSON, got ${bytes}`,
    );
  }
}

/** They go into the announcement of the node, with its labels (16 KiB in all). */
const LEARNING_BYTES_MAX = 8 * 1024;

function checkInstances(service: ServiceConfig, path: TomlPath, report: Report): void {
  const keys = new Set<string>();
  for (const [i, instance] of service.instances.entries()) {
    const key = instanceKey(instance);
    if (keys.has(key)) report([...path, 'instances', i], `instance "${key}" of "${service.name}" is there already`);
    keys.add(key);
  }
}

/** A good answer that is set aside costs another attempt, and the next one is as good. */
function checkRetries({ retry, failure }: ServiceConfig, path: TomlPath, report: Report): void {
  const good = retry.statuses.find((status) => isGood(status) && !failure.statuses.includes(status));
  if (good !== undefined) report(path, `${good} is a success: expected statuses of answers that are none`);
}

function checkPolicyOptions(service: ServiceConfig, path: TomlPath, report: Report): void {
  for (const { path: option, message } of checkPolicy(service.policy)) report([...path, option], message);
}

/** For services with another mistake: the whole of their policy is checked once that is mended. */
function checkPolicyNames({ root }: TomlDocument, { services }: PartialConfig, report: Report): void {
  const written: readonly { readonly policy?: unknown }[] = Array.isArray(root.service) ? root.service : [];
  const checked = new Set(services.map(({ index }) => index));
  for (const [index, service] of written.entries()) {
    const policy = service?.policy;
    const name = typeof policy === 'object' && policy !== null && 'name' in policy ? policy.name : policy;
    if (checked.has(index) || typeof name !== 'string') continue;
    const problems = checkPolicy({ name, options: {} }).filter(({ path }) => path === 'name');
    for (const { message } of problems) report(['service', index, 'policy'], message);
  }
}

/** Without a broker nothing but this node's own services can use an announced instance. */
function checkAnnounced({ root }: TomlDocument, { announce, placement }: PartialConfig, report: Report): void {
  if (root.mqtt !== undefined || placement?.mdns?.announce === true) return;
  const names = writtenNames(root);
  for (const { index, value } of announce) {
    if (names.includes(value.service)) continue;
    const missing = `no [[service]] is named "${value.service}", and without [mqtt] no other node hears of it`;
    report(['announce', index, 'service'], `${missing}${didYouMean(value.service, names)}`);
  }
}

/** What is asked for in DNS is used by the services of this file alone. */
function checkServiceNames({ root }: TomlDocument, { placement }: PartialConfig, report: Report): void {
  const names = writtenNames(root);
  for (const service of Object.keys(placement?.dns?.names ?? {})) {
    if (names.includes(service)) continue;
    report(['placement', 'dns', 'names', service], `no [[service]] is named "${service}"${didYouMean(service, names)}`);
  }
}

/** A chain goes through services of this file, and through none of them twice. */
function checkChains({ root }: TomlDocument, { chains }: PartialConfig, report: Report): void {
  const services = writtenNames(root);
  const names = new Set<string>();
  for (const { index, value } of chains) {
    if (names.has(value.name)) report(['chain', index, 'name'], `a chain named "${value.name}" is there already`);
    names.add(value.name);
    for (const [i, stage] of value.stages.entries()) {
      const path = ['chain', index, 'stages', i];
      if (value.stages.indexOf(stage) < i) report(path, `"${stage}" is a stage of "${value.name}" already`);
      if (!services.includes(stage)) report(path, `no [[service]] is named "${stage}"${didYouMean(stage, services)}`);
    }
  }
}

function writtenNames(root: TomlDocument['root']): readonly string[] {
  const written: readonly { readonly name?: unknown }[] = Array.isArray(root.service) ? root.service : [];
  return written.flatMap(({ name }) => (typeof name === 'string' ? [name] : []));
}

function didYouMean(word: string, known: readonly string[]): string {
  const near = suggest(word, known);
  return near === null ? '' : `, did you mean "${near}"?`;
}

function checkListeners({ proxy, admin, services }: PartialConfig, report: Report): void {
  const listeners: { readonly path: TomlPath; readonly address: ListenAddress }[] = [];
  if (proxy !== undefined) listeners.push({ path: ['proxy', 'listen'], address: proxy.listen });
  if (admin !== undefined) listeners.push({ path: ['admin', 'listen'], address: admin.listen });
  for (const { index, value } of services) {
    if (value.listen === null) continue;
    listeners.push({ path: ['service', index, 'listen'], address: value.listen });
    if (!PORT_NAMES.includes(value.name.toLowerCase())) continue;
    report(
      ['service', index, 'name'],
      `"${value.name}" is the name of another port: expected another one, or no listen`,
    );
  }
  listeners.forEach(({ path, address }, i) => {
    const other = listeners.slice(0, i).find((one) => collide(one.address, address));
    if (other !== undefined) {
      const owner = other.path.filter((part) => typeof part === 'string').join('.');
      report(path, `port ${address.port} is taken by ${owner}`);
    }
  });
}

/** Ports go by name: of a service, or of these. Sockets of the service manager differ by it. */
const PORT_NAMES: readonly string[] = ['proxy', 'admin'];

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';

function collide(a: ListenAddress, b: ListenAddress): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  return a.host === b.host || isWildcard(a.host) || isWildcard(b.host);
}

function checkAdmin({ admin }: PartialConfig, report: Report): void {
  if (admin === undefined || admin.token !== null || isLoopback(admin.listen.host)) return;
  report(['admin', 'listen'], `${admin.listen.host} is reachable from other machines: expected admin.token with it`);
}

function checkTls({ proxy, mqtt, traces, services, announce }: PartialConfig, report: Report): void {
  const tls = proxy?.tls;
  checkKeyPair(['proxy', 'tls'], tls, report);
  checkCertificates(['proxy', 'tls', 'client_ca'], tls?.clientCaFile, report);
  checkCertificates(['mqtt', 'ca'], mqtt?.caFile, report);
  checkCertificates(['traces', 'ca'], traces?.caFile, report);
  checkKeyPair(['mqtt'], mqtt, report);
  for (const { index, value } of services) checkCertificates(['service', index, 'ca'], value.caFile, report);
  for (const { index, value } of announce) checkCertificates(['announce', index, 'ca'], value.caFile, report);
  if (mqtt && (mqtt.certFile === null) !== (mqtt.keyFile === null)) {
    report(['mqtt', mqtt.certFile === null ? 'key' : 'cert'], 'expected both cert and key, or neither');
  }
  if (mqtt && mqtt.password !== null && mqtt.username === null)
    report(['mqtt', 'password'], 'expected username with it');
}

type FileName = string | null | undefined;

function checkKeyPair(
  path: TomlPath,
  pair: { readonly certFile: FileName; readonly keyFile: FileName } | null | undefined,
  report: Report,
): void {
  const certFile = checkCertificates([...path, 'cert'], pair?.certFile, report);
  const keyFile = checkFile([...path, 'key'], pair?.keyFile, report);
  const problem = certFile === null || keyFile === null ? null : keyProblem(certFile, keyFile);
  if (problem !== null) report([...path, 'key'], problem);
}

/** Returns the file when it can be used. */
function checkCertificates(path: TomlPath, name: FileName, report: Report): string | null {
  const file = checkFile(path, name, report);
  const problem = file === null ? null : certificatesProblem(file);
  if (problem !== null) report(path, problem);
  return problem === null ? file : null;
}

/** Returns the file when it can be read. */
function checkFile(path: TomlPath, file: FileName, report: Report): string | null {
  if (file === null || file === undefined) return null;
  try {
    accessSync(file, constants.R_OK);
    return file;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    report(path, missing ? `no such file: ${file}` : `not allowed to read: ${file}`);
    return null;
  }
}
