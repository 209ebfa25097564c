// A deadline as a moment on the clock, in the W3C field `baggage`: `qedge-deadline=<unix ms>;node=<node>`. Instances that pass on
// the fields of OpenTelemetry alone pass it on as well, without knowing. It is believed where the clock of the node that wrote it
// agrees with this one's.

import { DEADLINE_MS_MAX, type RequestHead, soonest } from '../../fields/request-head.ts';

const NAME = 'qedge-deadline';
/** A longer entry is none of ours: the name of a node has 255 bytes at the most, each of which may be written as three. */
const ENTRY_CHARS_MAX = 1024;

/** Why an entry was of no effect. */
export type BaggageProblem = 'malformed' | 'clock';

/** Reads and writes the entry; knows whose clocks agree. */
export class BaggageDeadlines {
  readonly #ownNode: string;
  readonly #agreeing = new Set<string>();

  constructor(ownNode: string) {
    this.#ownNode = ownNode;
    this.#agreeing.add(ownNode);
  }

  /** Nodes whose clocks agree with this one's, itself among them. */
  get agreeing(): readonly string[] {
    return [...this.#agreeing];
  }

  setAgreement(nodeId: string, agrees: boolean): void {
    if (nodeId === this.#ownNode) return;
    if (agrees) this.#agreeing.add(nodeId);
    else this.#agreeing.delete(nodeId);
  }

  /** Ms that are left by an entry of the field, 0 when it is over; null where there is none. */
  leftMs(baggage: string, wallMs: number): number | BaggageProblem | null {
    const entry = entriesOf(baggage).find(isDeadline);
    if (entry === undefined) return null;
    const [at = '', node = ''] = partsOf(entry);
    if (!/^\d{12,15}$/.test(at) || node === '') return 'malformed';
    if (!this.#agreeing.has(nameOf(node))) return 'clock';
    return Math.min(DEADLINE_MS_MAX, Math.max(0, Number(at) - wallMs));
  }

  /** The field with an entry for what is left, in place of one that was there. `baggage` null: there was none. */
  withDeadline(baggage: string | null, leftMs: number, wallMs: number): string {
    const others = baggage === null ? [] : entriesOf(baggage).filter((entry) => !isDeadline(entry));
    const entry = `${NAME}=${Math.round(wallMs + leftMs)};node=${encodeURIComponent(this.#ownNode)}`;
    return [...others, entry].join(',');
  }
}

/** The part of an exchange's context that is needed. */
interface BaggageContext {
  /** Null: deadlines are not carried so. */
  readonly baggage: BaggageDeadlines | null;
  readonly metrics: { baggageIgnored(problem: BaggageProblem): void };
}

/** Takes over the deadline that came in `baggage`, where it is sooner than that of the request's own field. */
export function readDeadline(head: RequestHead, baggage: string, context: BaggageContext): void {
  const left = context.baggage?.leftMs(baggage, Date.now()) ?? null;
  if (typeof left === 'string') context.metrics.baggageIgnored(left);
  else if (left !== null) head.deadlineMs = soonest(head.deadlineMs, left);
}

/** Writes `baggage` for the instance, which may pass on nothing else. `leftMs`: of the deadline; +Infinity where there is none. */
export function writeDeadline(
  { fields, baggage: came }: RequestHead,
  leftMs: number,
  { baggage }: BaggageContext,
): void {
  const hasDeadline = baggage !== null && leftMs !== Number.POSITIVE_INFINITY;
  const goesOn = hasDeadline ? baggage.withDeadline(came, leftMs, Date.now()) : came;
  if (goesOn !== null) fields.push('baggage', goesOn);
}

const entriesOf = (baggage: string): string[] =>
  baggage
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

/** The moment, and the node where that is the first property. */
function partsOf(entry: string): readonly string[] {
  if (entry.length > ENTRY_CHARS_MAX) return [];
  const [at = '', property = ''] = entry.split(';', 2);
  const [name, node = ''] = sidesOf(property);
  return [sidesOf(at)[1] ?? '', name === 'node' && !/\s/.test(node) ? node : ''];
}

/** What is on either side of the first `=`. */
function sidesOf(text: string): readonly string[] {
  const at = text.indexOf('=');
  return at < 0 ? [text.trim()] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

const isDeadline = (entry: string): boolean => entry.split('=', 1)[0]?.trim() === NAME;

/** Percent signs may be anything. */
function nameOf(node: string): string {
  try {
    return decodeURIComponent(node);
  } catch {
    return '';
  }
}
