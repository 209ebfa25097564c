// DNS messages (RFC 1035, section 4), as far as discovery needs them: names of services and addresses, over unicast and multicast.
// A codec of our own: discovery needs seven types of records, each name and each message with a bound, and passes over every other
// type; the packages for DNS read all types and set no bounds.

/** Types of records that are read; others are passed over. */
export const TYPES = { A: 1, CNAME: 5, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, SRV: 33, ANY: 255 } as const;
export type QuestionType = keyof typeof TYPES;

/** What is asked: records of one type of a name (RFC 1035, section 4.1.2). */
export interface DnsQuestion {
  readonly name: string;
  readonly type: QuestionType;
  /** Multicast (RFC 6762, section 5.4): the answer may come to the asker alone. */
  readonly unicast?: boolean;
}

/** What a record says. Names have no dot at their end; a dot or backslash within a label has a backslash before it. */
export type RecordData =
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'CNAME' | 'PTR'; readonly target: string }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  | { readonly type: 'TXT'; readonly texts: readonly string[] }
  /** Only how long it may be remembered that there is nothing (RFC 2308). */
  | { readonly type: 'SOA'; readonly minimumSeconds: number };

/** One record of an answer (RFC 1035, section 4.1.3). */
export interface DnsRecord {
  readonly name: string;
  readonly ttlSeconds: number;
  /** Multicast (RFC 6762, section 10.2): the only ones of this name and type. */
  readonly flush?: boolean;
  readonly data: RecordData;
}

/** A message as it was read; records of types that are not read are not in it. */
export interface DnsMessage {
  readonly id: number;
  readonly isAnswer: boolean;
  /** It did not fit: the rest is to be had over TCP. */
  readonly truncated: boolean;
  /** RFC 1035, section 4.1.1: 0 is none, 2 SERVFAIL, 3 NXDOMAIN. */
  readonly code: number;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/** Not a DNS message, or one beyond all bounds. */
export class DnsMessageError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'DnsMessageError';
  }
}

/** RFC 1035, section 2.3.4. */
export const LABEL_BYTES_MAX = 63;
export const CLASS_INTERNET = 1;
/** The top bit of the class: `unicast` of a question, `flush` of a record. */
export const TOP_BIT = 0x8000;
/** RFC 1035, section 4.1.1. */
export const FLAGS = { answer: 0x8000, authoritative: 0x0400, truncated: 0x0200, recurse: 0x0100 } as const;

/** Two names are one, in any case (RFC 1035, section 2.3.3). */
export const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** A label as it stands in a name. */
export const escapeLabel = (label: string): string => label.replace(/[.\\]/g, '\\$&');

/** The labels of a name, unescaped. */
export function labelsOf(name: string): readonly string[] {
  return name === '' ? [] : name.split(/(?<=(?:^|[^\\])(?:\\\\)*)\./).map((label) => label.replace(/\\(.)/g, '$1'));
}
