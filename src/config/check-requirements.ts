// Requirements that contradict one another, or what the service says elsewhere.

import type { Labels } from '../core/domain.ts';
import { attributesText } from '../core/requirements/attributes.ts';
import type { AttributeShare, Attributes } from '../core/requirements/requirements.ts';
import type { SectionOf } from './key.ts';
import type { goalKeys, objectiveKeys } from './schema/service/qos.ts';
import type { TomlPath } from './toml.ts';

type Report = (path: TomlPath, message: string) => void;

/** What a service or a scenario asks for, and what the service asks for elsewhere. */
export interface Asked {
  readonly qos: SectionOf<typeof goalKeys>;
  readonly objective: SectionOf<typeof objectiveKeys>;
  readonly constraints: Labels;
}

/** Reports what cannot hold together, with `path` of the service. */
export function checkRequirements(service: Asked, path: TomlPath, report: Report): void {
  checkTimes(service, path, report);
  checkSecurity(service, path, report);
  checkShares(service, path, report);
}

function checkTimes({ qos, objective }: Asked, path: TomlPath, report: Report): void {
  const { availability, windowMs, successRatio } = qos;
  if (availability !== null && availability.overMs < windowMs) {
    report(
      [...path, 'qos', 'availability'],
      `over is less than qos.window, ${windowMs / 1000} s: expected as much or more`,
    );
  }
  if (objective.least !== null && successRatio + objective.keepRatio > 1) {
    const least = `${objective.keepRatio} above qos.success, ${successRatio}`;
    report(
      [...path, 'objective', 'keep'],
      `nothing would ever be spent on ${objective.least}: ${least}, is more than all`,
    );
  }
}

function checkSecurity({ qos: { security }, constraints }: Asked, path: TomlPath, report: Report): void {
  if (security === null) return;
  const conflict = conflictOf(security, { ...NOTHING, labels: constraints });
  if (conflict !== null) report([...path, 'qos', 'security'], `contradicts service.constraints: ${conflict}`);
}

function checkShares({ qos, constraints }: Asked, path: TomlPath, report: Report): void {
  const { security, shares } = qos;
  for (const [i, share] of shares.entries()) {
    const place = [...path, 'qos', 'shares', i];
    const hard = security === null ? null : conflictOf(share, security);
    if (hard !== null) report(place, `contradicts qos.security: ${hard}`);
    const constrained = conflictOf(share, { ...NOTHING, labels: constraints });
    if (constrained !== null) report(place, `contradicts service.constraints: ${constrained}`);
    checkSum(share, shares.slice(0, i), (message) => report(place, message));
  }
}

function checkSum(share: AttributeShare, earlier: readonly AttributeShare[], report: (message: string) => void): void {
  if (earlier.some(({ name }) => name === share.name)) {
    report(`a share of ${attributesText(share)} is asked for already`);
    return;
  }
  const apart = largestApart([share], earlier);
  const sum = sumOf(apart);
  if (sum <= 1) return;
  const [, second, third] = apart as readonly [AttributeShare, AttributeShare, AttributeShare?];
  report(
    third === undefined
      ? `contradicts another share: ${conflictOf(share, second)}, and the two add up to ${sum}, more than all requests`
      : `contradicts other shares: no instance serves two of ${apart.map(attributesText).join(' and ')}, and they add up to ${sum}, more than all requests`,
  );
}

/** With `chosen`, the shares that ask for most together and of which no instance can serve two. */
function largestApart(chosen: readonly AttributeShare[], others: readonly AttributeShare[]): readonly AttributeShare[] {
  let largest = chosen;
  for (const [i, one] of others.entries()) {
    if (chosen.some((other) => conflictOf(one, other) === null)) continue;
    const larger = largestApart([...chosen, one], others.slice(0, i));
    if (sumOf(larger) > sumOf(largest)) largest = larger;
  }
  return largest;
}

/** Without the last digits, which are of binary fractions. */
function sumOf(shares: readonly AttributeShare[]): number {
  return Number(shares.reduce((sum, { share }) => sum + share, 0).toFixed(6));
}

const NOTHING: Attributes = { tls: false, tiers: null, hopsMax: null, labels: {}, accuracyMin: null };

/** Why no instance can have the attributes of both; null where one may. */
function conflictOf(one: Attributes, other: Attributes): string | null {
  const { tiers } = other;
  if (one.tiers !== null && tiers !== null && !one.tiers.some((tier) => tiers.includes(tier))) {
    return `no instance is of tier ${one.tiers.join(' or ')} and of ${tiers.join(' or ')}`;
  }
  const label = Object.entries(one.labels).find(([name, value]) => (other.labels[name] ?? value) !== value);
  return label === undefined
    ? null
    : `no instance has ${label[0]}=${label[1]} and ${label[0]}=${other.labels[label[0]]}`;
}
