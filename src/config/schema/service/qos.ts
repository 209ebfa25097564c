// `[service.qos]`: the latency goal, and what else a service asks for. `[service.objective]`: what to spend least of besides.

import * as z from 'zod';
import { TIERS } from '../../../core/domain.ts';
import { attributesText } from '../../../core/requirements/attributes.ts';
import { type AttributeShare, type Attributes, SHARES_MAX } from '../../../core/requirements/requirements.ts';
import { key, optional, required, type SectionOf, section } from '../../key.ts';
import { count, duration, labels, parsed, positiveRatio, ratio } from '../../values.ts';

const tier = z.enum(TIERS);

/** `"20/s"`, `"1200/min"` → events per second. */
const rate: z.ZodType<number, string> = parsed('expected a rate such as "20/s"', (text) => {
  const match = /^(\d+(?:\.\d+)?)\/(s|min)$/.exec(text);
  const perSecond = Number(match?.[1]) / (match?.[2] === 'min' ? 60 : 1);
  return perSecond > 0 && perSecond <= 1e6 ? perSecond : null;
});

const attributeKeys = {
  tls: key('tls', z.boolean(), { doc: 'Over TLS.', default: false }),
  tiers: optional('tiers', z.array(tier).min(1), {
    doc: 'On a node of one of these tiers.',
    example: ['far-edge', 'near-edge'],
  }),
  hops_max: optional('hopsMax', count(0, 255), {
    doc: 'At most so many networks away: 0 is this node, 1 any other one whose label "hops" says nothing else.',
    example: 1,
  }),
  labels: key('labels', labels, { doc: 'With all of these labels.', default: {} }),
};

type WrittenAttributes = SectionOf<typeof attributeKeys>;

const NOTHING_ASKED = 'expected one at least of tls, tiers, hops_max and labels';

const asksForSomething = ({ tls, tiers, hopsMax, labels }: WrittenAttributes): boolean =>
  tls || tiers !== null || hopsMax !== null || Object.keys(labels).length > 0;

const security: z.ZodType<Attributes> = section(attributeKeys, '{ tls = true, hops_max = 1 }')
  .refine(asksForSomething, { error: NOTHING_ASKED })
  .transform((written) => ({ ...written, accuracyMin: null }));

const shareOf = (share: number, attributes: Attributes): AttributeShare => ({
  ...attributes,
  name: attributes.accuracyMin === null ? attributesText(attributes) : 'accuracy',
  share,
});

const attributeShare: z.ZodType<AttributeShare> = section({
  share: required('share', positiveRatio, { doc: 'Share of the requests of each client.', example: 0.8 }),
  ...attributeKeys,
})
  .refine(asksForSomething, { error: NOTHING_ASKED })
  .transform(({ share, ...attributes }) => shareOf(share, { ...attributes, accuracyMin: null }));

const accuracy: z.ZodType<AttributeShare> = section(
  {
    min: required('min', z.number().gt(0), { doc: 'Accuracy of the profile.', example: 0.95 }),
    share: key('share', positiveRatio, { doc: 'Share of the requests of each client.', default: 1 }),
  },
  '{ min = 0.95, share = 0.8 }',
).transform(({ min, share }) => shareOf(share, { ...NO_ATTRIBUTES, accuracyMin: min }));

const NO_ATTRIBUTES: Attributes = { tls: false, tiers: null, hopsMax: null, labels: {}, accuracyMin: null };

const availability = section(
  {
    share: required('share', positiveRatio, { doc: 'Share of the seconds.', example: 0.99 }),
    over: required('overMs', duration(), { doc: 'Of this last time.', example: '1h' }),
  },
  '{ share = 0.99, over = "1h" }',
);

const throughput = section(
  { min: required('perSecondMin', rate, { doc: 'Answers to each client.', example: '20/s' }) },
  '{ min = "20/s" }',
);

/** Keys that say what is asked for, not how it is measured. */
export const goalKeys = {
  latency: required('latencyMs', duration(), {
    doc: 'An answer within this time is a success.',
    example: '80ms',
  }),
  success: key('successRatio', positiveRatio, {
    doc: 'Share of its requests that each client is to see succeed in every window.',
    default: 0.9,
  }),
  window: key('windowMs', duration(), { doc: 'Length of the sliding window.', default: '10s' }),
  mean_latency: optional('meanLatencyMs', duration(), {
    doc: 'The mean latency of the answers to each client over the window, at most. Besides `success`, or instead of it with `success = 0.01`.',
    example: '50ms',
  }),
  reliability: optional('reliabilityRatio', positiveRatio, {
    doc: 'Share of the requests of each client that are answered without a failure, late or not.',
    example: 0.999,
  }),
  availability: optional('availability', availability, {
    doc: 'Share of the seconds, of those in which a client asks, in which it could have the service: { share = 0.99, over = "1h" }. Where it is missed, instances that fail get less.',
    example: { share: 0.99, over: '1h' },
  }),
  throughput: optional('throughput', throughput, {
    doc: 'Answers a second to each client that asks for as many: { min = "20/s" }. Measured and shown.',
    example: { min: '20/s' },
  }),
  accuracy: optional('accuracy', accuracy, {
    doc: 'The share of the requests of each client that instances of at least this accuracy answer, by their profiles: { min = 0.95, share = 0.8 }.',
    example: { min: 0.95, share: 0.8 },
  }),
  shares: key('shares', z.array(attributeShare).max(SHARES_MAX - 1), {
    doc: 'Shares of the requests of each client that instances with these attributes answer, the most important first, such as [{ share = 0.8, labels = { zone = "home" } }]; attributes are those of `security`.',
    default: [],
  }),
  security: optional('security', security, {
    doc: 'Instances without all of these attributes never get a request: { tls = true, tiers = ["far-edge", "near-edge"], hops_max = 1, labels = { tpm = "2.0" } }. 0 hops are this node; any other one is one hop away, or as many as its label "hops" says.',
    example: { tls: true },
  }),
};

/** Keys of `[service.qos]`. */
export const qosKeys = {
  ...goalKeys,
  measure: key('measure', z.enum(['auto', 'first-byte', 'last-byte']), {
    doc: 'When an answer is there. "auto": streams (text/event-stream, application/x-ndjson, multipart/x-mixed-replace, X-Accel-Buffering: no without a length) at the first byte of their body (of events: of a field, of pictures with a length: of a picture), gRPC at its first message, everything else at the last byte.',
    default: 'auto',
  }),
  stall: optional('stallMs', duration(), {
    doc: 'The longest pause between two pieces of a stream that still is a success; any when absent.',
    example: '2s',
  }),
};

/** The default of `objective.keep`. */
export const KEEP_DEFAULT = 0.02;

/** Keys of `[service.objective]`. */
export const objectiveKeys = {
  least: optional('least', z.enum(['energy', 'cost']), {
    doc: 'What to spend least of where the requirements hold with room, by the profiles of the instances (energy_mwh, cost); for the policy qedge.',
    example: 'energy',
  }),
  keep: key('keepRatio', ratio, {
    doc: 'How far above `qos.success` success has to be before anything is spent on it.',
    default: KEEP_DEFAULT,
  }),
};
