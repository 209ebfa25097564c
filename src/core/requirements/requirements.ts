// What a service asks for beside the latency goal. Each requirement is a goal over every client's requests in the window; what is
// known of an instance before it is asked is an attribute.

import type { Labels, Tier } from '../domain.ts';

/** What an instance must have; what is null or empty is not asked for. */
export interface Attributes {
  /** Its connection is encrypted. */
  readonly tls: boolean;
  /** The tiers that its node may be of. */
  readonly tiers: readonly Tier[] | null;
  /** Networks between here and it: 0 on this node, else what its label `hops` says, else 1. */
  readonly hopsMax: number | null;
  /** Labels that it carries, all of them. */
  readonly labels: Labels;
  /** The least accuracy of its profile, for the group of the request. */
  readonly accuracyMin: number | null;
}

/** The share of each client's requests that instances with these attributes answer at least. */
export interface AttributeShare extends Attributes {
  /** `accuracy`, or the attributes in a word. */
  readonly name: string;
  /** The least share of each client's requests, in (0, 1]. */
  readonly share: number;
}

/** What to spend least of, once the requirements hold. */
export interface Objective {
  readonly least: 'energy' | 'cost';
  /** How far above ρ success has to be before anything is spent on it. */
  readonly keepRatio: number;
}

/** What a service asks for beside the latency goal; null or empty where it does not. */
export interface Requirements {
  /** Mean latency of the answers over W, ms. */
  readonly meanLatencyMs: number | null;
  /** Share of the requests that are answered without a failure, late or not. */
  readonly reliabilityRatio: number | null;
  /** Share of the seconds within `overMs` in which the service could be had. */
  readonly availability: { readonly share: number; readonly overMs: number } | null;
  /** Answers per second to each client that asks for as many. */
  readonly throughputPerSecondMin: number | null;
  /** The attribute shares, the most important first. */
  readonly shares: readonly AttributeShare[];
  /** Requests never go elsewhere. */
  readonly security: Attributes | null;
  readonly objective: Objective | null;
}

/** Attribute shares that a service may have. */
export const SHARES_MAX = 4;

/** Whether anything is asked for beside the latency goal. */
export function isMoreAsked({ shares, ...single }: Requirements): boolean {
  return shares.length > 0 || Object.values(single).some((one) => one !== null);
}

/** Nothing beside the latency goal. */
export const NO_REQUIREMENTS: Requirements = {
  meanLatencyMs: null,
  reliabilityRatio: null,
  availability: null,
  throughputPerSecondMin: null,
  shares: [],
  security: null,
  objective: null,
};
