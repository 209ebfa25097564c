// A DNS message → bytes. No name is compressed: what is written is small, and a name that must not be is one less to know.

import {
  CLASS_INTERNET,
  DnsMessageError,
  type DnsQuestion,
  type DnsRecord,
  FLAGS,
  LABEL_BYTES_MAX,
  labelsOf,
  type RecordData,
  TOP_BIT,
  TYPES,
} from './message.ts';

/** A question to a resolver. */
export function encodeQuery(id: number, question: DnsQuestion): Buffer {
  return encode([id, FLAGS.recurse], { questions: [question] });
}

export interface Sections {
  readonly questions?: readonly DnsQuestion[];
  readonly answers?: readonly DnsRecord[];
  readonly authorities?: readonly DnsRecord[];
  readonly additionals?: readonly DnsRecord[];
}

/** A message of multicast DNS (RFC 6762, section 18): an answer where it has no question. */
export function encodeMulticast(sections: Sections): Buffer {
  const asks = (sections.questions ?? []).length > 0;
  return encode([0, asks ? 0 : FLAGS.answer | FLAGS.authoritative], sections);
}

function encode([id, flags]: readonly [number, number], sections: Sections): Buffer {
  const { questions = [], answers = [], authorities = [], additionals = [] } = sections;
  const counts = [questions, answers, authorities, additionals].map(({ length }) => length);
  return Buffer.concat([
    uint16s(id, flags, ...counts),
    ...questions.flatMap(({ name, type, unicast }) => [
      nameBytes(name),
      uint16s(TYPES[type], CLASS_INTERNET | (unicast === true ? TOP_BIT : 0)),
    ]),
    ...[...answers, ...authorities, ...additionals].flatMap(recordBytes),
  ]);
}

function recordBytes({ name, ttlSeconds, flush, data }: DnsRecord): Buffer[] {
  const bytes = dataBytes(data);
  const kind = CLASS_INTERNET | (flush === true ? TOP_BIT : 0);
  const ttl = [ttlSeconds >>> 16, ttlSeconds & 0xffff] as const;
  return [nameBytes(name), uint16s(TYPES[data.type], kind, ...ttl, bytes.length), bytes];
}

/** The data of a record, without its head: what two records of one name are compared by. */
export function dataBytes(data: RecordData): Buffer {
  switch (data.type) {
    case 'A':
      return Buffer.from(data.address.split('.').map(Number));
    case 'AAAA':
      return ipv6Bytes(data.address);
    case 'CNAME':
    case 'PTR':
      return nameBytes(data.target);
    case 'SRV':
      return Buffer.concat([uint16s(data.priority, data.weight, data.port), nameBytes(data.target)]);
    case 'TXT':
      return Buffer.concat(data.texts.length === 0 ? [Buffer.alloc(1)] : data.texts.map(textBytes));
    case 'SOA':
      throw new DnsMessageError('an SOA is not written');
  }
}

function nameBytes(name: string): Buffer {
  const labels = labelsOf(name).map((label) => sized(label, LABEL_BYTES_MAX));
  return Buffer.concat([...labels, Buffer.alloc(1)]);
}

const textBytes = (text: string): Buffer => sized(text, 255);

function sized(text: string, bytesMax: number): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > bytesMax) throw new DnsMessageError(`${JSON.stringify(text)} has more than ${bytesMax} bytes`);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function ipv6Bytes(address: string): Buffer {
  // Without the dotted form of an IPv4 address at its end.
  const [head = '', tail = ''] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const [left, right] = [groups(head), groups(tail)];
  return uint16s(...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right);
}

function uint16s(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt16BE(value, 2 * i);
  return bytes;
}
