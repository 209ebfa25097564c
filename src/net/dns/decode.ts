// Bytes → a DNS message. Each name and each message has a bound; a record of a type that is not read is passed over.

import {
  CLASS_INTERNET,
  type DnsMessage,
  DnsMessageError,
  type DnsQuestion,
  type DnsRecord,
  escapeLabel,
  FLAGS,
  LABEL_BYTES_MAX,
  type QuestionType,
  type RecordData,
  TOP_BIT,
  TYPES,
} from './message.ts';

/** RFC 1035, section 2.3.4. */
const NAME_BYTES_MAX = 255;
/** A name may go on elsewhere in the message; one that does so again and again is an attack. */
const POINTERS_MAX = 16;
const TYPE_NAMES = new Map<number, QuestionType>(
  Object.entries(TYPES).map(([name, code]) => [code, name as QuestionType]),
);

/** @throws DnsMessageError */
export function decodeDns(bytes: Buffer): DnsMessage {
  const reader = new Reader(bytes);
  const [id, flags] = [reader.uint16(), reader.uint16()];
  const counts = [reader.uint16(), reader.uint16(), reader.uint16(), reader.uint16()] as const;
  return {
    id,
    isAnswer: (flags & FLAGS.answer) !== 0,
    truncated: (flags & FLAGS.truncated) !== 0,
    code: flags & 0xf,
    questions: times(counts[0], () => reader.question()),
    answers: times(counts[1], () => reader.record()),
    authorities: times(counts[2], () => reader.record()),
    additionals: times(counts[3], () => reader.record()),
  };
}

function times<Item>(count: number, read: () => Item | null): Item[] {
  const items: Item[] = [];
  for (let i = 0; i < count; i++) {
    const item = read();
    if (item !== null) items.push(item);
  }
  return items;
}

/** A name from one of its labels on. */
interface Ending {
  readonly text: string;
  readonly bytes: number;
  /** How many pointers were followed to read it. */
  readonly pointers: number;
}

const tooLong = (): DnsMessageError => new DnsMessageError(`a name has more than ${NAME_BYTES_MAX} bytes`);

class Reader {
  readonly #bytes: Buffer;
  /** By where they begin: where thousands of records point at one long name, it is read once. */
  readonly #endings = new Map<number, Ending>();
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  uint16(): number {
    this.#need(2);
    this.#at += 2;
    return this.#bytes.readUInt16BE(this.#at - 2);
  }

  uint32(): number {
    this.#need(4);
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }

  question(): DnsQuestion | null {
    const name = this.#name();
    const type = TYPE_NAMES.get(this.uint16());
    const unicast = (this.uint16() & TOP_BIT) !== 0;
    return type === undefined ? null : { name, type, unicast };
  }

  record(): DnsRecord | null {
    const name = this.#name();
    const type = TYPE_NAMES.get(this.uint16());
    const kind = this.uint16();
    const ttlSeconds = this.uint32();
    const length = this.uint16();
    this.#need(length);
    const end = this.#at + length;
    const isKnown = type !== undefined && (kind & ~TOP_BIT) === CLASS_INTERNET;
    const data = isKnown ? this.#data(type, end) : null;
    if (this.#at > end) throw new DnsMessageError(`record of ${name} is longer than it says`);
    this.#at = end;
    return data === null ? null : { name, ttlSeconds, flush: (kind & TOP_BIT) !== 0, data };
  }

  #data(type: QuestionType, end: number): RecordData | null {
    switch (type) {
      case 'A':
        if (end - this.#at !== 4) throw new DnsMessageError('an IPv4 address has 4 bytes');
        return { type, address: this.#bytes.subarray(this.#at, end).join('.') };
      case 'AAAA':
        if (end - this.#at !== 16) throw new DnsMessageError('an IPv6 address has 16 bytes');
        return { type, address: ipv6Text(this.#bytes.subarray(this.#at, end)) };
      case 'CNAME':
      case 'PTR':
        return { type, target: this.#name() };
      case 'SRV':
        return {
          type,
          priority: this.uint16(),
          weight: this.uint16(),
          port: this.uint16(),
          target: this.#name(),
        };
      case 'TXT':
        return { type, texts: this.#texts(end) };
      case 'SOA':
        return { type, minimumSeconds: end - this.#at < 4 ? 0 : this.#bytes.readUInt32BE(end - 4) };
      case 'ANY':
        return null;
    }
  }

  #texts(end: number): string[] {
    const texts: string[] = [];
    while (this.#at < end) {
      const length = this.#bytes[this.#at] ?? 0;
      if (this.#at + 1 + length > end) throw new DnsMessageError('a text is longer than its record');
      texts.push(this.#bytes.toString('utf8', this.#at + 1, this.#at + 1 + length));
      this.#at += 1 + length;
    }
    return texts;
  }

  #name(): string {
    const labels: { readonly at: number; readonly text: string; readonly pointers: number }[] = [];
    let [at, length, pointers] = [this.#at, 0, 0];
    let end: number | null = null;
    let rest: Ending | undefined;
    for (;;) {
      rest = this.#endings.get(at);
      if (rest !== undefined) break;
      const size = this.#bytes[at] ?? -1;
      if (size < 0) throw new DnsMessageError('message ends within a name');
      if (size === 0) break;
      if (size > LABEL_BYTES_MAX) {
        // RFC 1035, section 4.1.4: the rest of the name stands at an earlier place.
        const to = at + 1 < this.#bytes.length && size >= 0xc0 ? this.#bytes.readUInt16BE(at) & 0x3fff : at;
        if (to >= at || ++pointers > POINTERS_MAX) throw new DnsMessageError('a name leads nowhere');
        end ??= at + 2;
        at = to;
        continue;
      }
      length += size + 1;
      if (length > NAME_BYTES_MAX) throw tooLong();
      if (at + 1 + size > this.#bytes.length) throw new DnsMessageError('message ends within a name');
      labels.push({ at, text: escapeLabel(this.#bytes.toString('utf8', at + 1, at + 1 + size)), pointers });
      at += 1 + size;
    }
    // What is known of a name is behind a pointer: nothing is read in place twice.
    this.#at = end ?? at + 1;
    pointers += rest?.pointers ?? 0;
    if (pointers > POINTERS_MAX) throw new DnsMessageError('a name leads nowhere');
    let ending: Ending = { text: rest?.text ?? '', bytes: rest?.bytes ?? 0, pointers: 0 };
    for (const label of labels.toReversed()) {
      const bytes = ending.bytes + (this.#bytes[label.at] ?? 0) + 1;
      if (bytes > NAME_BYTES_MAX) throw tooLong();
      const text = ending.text === '' ? label.text : `${label.text}.${ending.text}`;
      ending = { text, bytes, pointers: pointers - label.pointers };
      this.#endings.set(label.at, ending);
    }
    return ending.text;
  }

  #need(length: number): void {
    if (this.#at + length > this.#bytes.length) throw new DnsMessageError('message is cut off');
  }
}

/** As RFC 5952 writes it: the longest run of zeros once left out. */
function ipv6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}
