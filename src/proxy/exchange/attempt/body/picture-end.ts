// Whether a picture in JPEG (ITU-T T.81, annex B) or PNG (its third edition, section 5) is whole, or one in WebP, sound in WAVE, a film in
// boxes. They begin with a mark and go on in segments that say how long they are, up to one that is the end; only what is compressed in JPEG
// does not, and has no mark of the end within it. So a small picture within a segment is stepped over, and what some cameras write behind the
// end (temperatures, a few seconds of film) is not read.

/** What a segment is by its head: so many bytes follow, and it may be the last; or what is compressed, which ends with the picture. */
type Segment = { readonly bytes: number; readonly isLast: boolean } | 'compressed' | 'foreign' | 'unknown';

interface Format {
  readonly begin: Buffer;
  /** How many of its last bytes begin the first segment. */
  readonly overlap: number;
  readonly headBytes: number;
  readonly segmentOf: (head: Buffer) => Segment;
  /** A mark behind the last segment; null: a segment is the last. */
  readonly end: Buffer | null;
  /** It may end behind any segment. */
  readonly isOpen?: boolean;
}

const MARKER = 0xff;
const START_OF_SCAN = 0xda;
/** A JPEG's. */
const END = Buffer.from('ffd9', 'hex');

const JPEG: Format = {
  begin: Buffer.from('ffd8ff', 'hex'),
  overlap: 1,
  headBytes: 4,
  segmentOf: (head) => {
    if (head[0] !== MARKER) return 'unknown';
    if (head[1] === START_OF_SCAN) return 'compressed';
    // The length of a segment counts its own two bytes.
    const bytes = head.readUInt16BE(2) - 2;
    return bytes < 0 ? 'unknown' : { bytes, isLast: false };
  },
  end: END,
};

const CHECKSUM_BYTES = 4;
const PNG_BYTES_MAX = 2 ** 31 - 1;

const PNG: Format = {
  begin: Buffer.from('89504e470d0a1a0a', 'hex'),
  overlap: 0,
  headBytes: 8,
  segmentOf: (head) => {
    const bytes = head.readUInt32BE();
    if (bytes > PNG_BYTES_MAX) return 'unknown';
    return { bytes: bytes + CHECKSUM_BYTES, isLast: head.toString('latin1', 4) === 'IEND' };
  },
  end: null,
};

/** Lengths from here on are written by programs that do not know how long it will be. */
const RIFF_BYTES_MAX = 1_000_000_000;
/** Some programs count the head in, or a last even byte that they do not write. */
const RIFF_BYTES_OVER = 8 + 1;

/** One segment that holds the others, of this kind (Multimedia Programming Interface and Data Specifications 1.0). */
const riff = (kind: string): Format => ({
  begin: Buffer.from('R'),
  overlap: 1,
  headBytes: 12,
  segmentOf: (head) => {
    if (head.toString('latin1', 8) !== kind) return 'foreign';
    // The length counts the four bytes of the kind. Large files have other marks and write it elsewhere.
    const bytes = head.toString('latin1', 0, 4) === 'RIFF' ? head.readUInt32LE(4) - 4 - RIFF_BYTES_OVER : 0;
    return bytes <= 0 || bytes > RIFF_BYTES_MAX ? 'unknown' : { bytes, isLast: true };
  },
  end: null,
});

const WAVE = riff('WAVE');

/** Boxes of films, and of pictures that are stored so (ISO/IEC 14496-12, section 4.2). One may reach to the end, or be longer than 4 GiB. */
const BOXES: Format = {
  begin: Buffer.alloc(0),
  overlap: 0,
  headBytes: 8,
  segmentOf: (head) => {
    const bytes = head.readUInt32BE() - head.length;
    return bytes < 0 ? 'unknown' : { bytes, isLast: false };
  },
  end: null,
  isOpen: true,
};

const FORMATS: ReadonlyMap<string, Format> = new Map([
  ['image/jpeg', JPEG],
  ['image/jpg', JPEG],
  ['image/png', PNG],
  ['image/webp', riff('WEBP')],
  ['audio/wav', WAVE],
  ['audio/wave', WAVE],
  ['audio/x-wav', WAVE],
  ['audio/vnd.wave', WAVE],
  ['image/avif', BOXES],
  ['image/heic', BOXES],
  ['audio/mp4', BOXES],
  ['video/mp4', BOXES],
  ['video/iso.segment', BOXES],
  ['video/quicktime', BOXES],
]);

/** Null: it is no picture of a known kind. */
export function pictureEndOf(contentType: string): PictureEnd | null {
  const [type = ''] = contentType.toLowerCase().split(';');
  const format = FORMATS.get(type.trim());
  return format === undefined ? null : new PictureEnd(format);
}

type Place = 'begin' | 'head' | 'segment' | 'last' | 'compressed' | 'whole' | 'foreign' | 'unknown';

const READ: ReadonlySet<Place> = new Set(['begin', 'head', 'segment', 'last', 'compressed']);

/** Reads a picture as it comes. */
export class PictureEnd {
  /** A program shows what there is of a picture. */
  readonly truncated = false;
  readonly #format: Format;
  #place: Place = 'begin';
  /** What came of the beginning or of the head of a segment, or the last byte of what is compressed. */
  #pending: Buffer = Buffer.alloc(0);
  /** Bytes still to come of the segment. */
  #bytesLeft = 0;
  /** The last bytes of all. */
  #tail: Buffer = Buffer.alloc(0);
  #isEmpty = true;

  constructor(format: Format) {
    this.#format = format;
  }

  take(chunk: Buffer): void {
    if (chunk.length > 0) this.#isEmpty = false;
    const { end } = this.#format;
    if (end !== null && READ.has(this.#place)) {
      const tail = chunk.length < end.length ? Buffer.concat([this.#tail, chunk]) : chunk;
      this.#tail = Buffer.from(tail.subarray(-end.length));
    }
    for (let rest = chunk; rest.length > 0 && READ.has(this.#place); ) rest = this.#takePiece(rest);
  }

  /** Whether its beginning shows that it is no picture of its type. */
  get isForeign(): boolean {
    return this.#place === 'foreign' || (this.#place === 'begin' && !this.#isEmpty);
  }

  /** What ends with the mark of the end is whole, whatever lengths its program wrote. */
  get isUnfinished(): boolean {
    if (this.#place === 'begin' || !READ.has(this.#place)) return false;
    const { end, isOpen } = this.#format;
    // Zeroes may fill it up.
    if (isOpen === true && this.#place === 'head' && this.#pending.every((byte) => byte === 0)) return false;
    return end === null || !this.#tail.equals(end);
  }

  /** Returns what is left of it. */
  #takePiece(piece: Buffer): Buffer {
    switch (this.#place) {
      case 'compressed':
        return this.#takeCompressed(piece);
      case 'begin':
      case 'head':
        return this.#takeHead(piece);
      default:
        return this.#takeSegment(piece);
    }
  }

  #takeHead(piece: Buffer): Buffer {
    const { begin, overlap, headBytes, segmentOf } = this.#format;
    const bytes = this.#place === 'begin' ? begin.length : headBytes;
    const missing = bytes - this.#pending.length;
    this.#pending = Buffer.concat([this.#pending, piece.subarray(0, missing)]);
    if (this.#pending.length === bytes) {
      if (this.#place === 'head') this.#enter(segmentOf(this.#pending));
      else {
        this.#place = this.#pending.equals(begin) ? 'head' : 'foreign';
        this.#pending = begin.subarray(begin.length - overlap);
      }
    }
    return piece.subarray(missing);
  }

  #enter(segment: Segment): void {
    this.#pending = Buffer.alloc(0);
    if (typeof segment === 'string') {
      this.#place = segment;
      return;
    }
    this.#bytesLeft = segment.bytes;
    if (segment.isLast) this.#place = 'last';
    else this.#place = segment.bytes > 0 ? 'segment' : 'head';
  }

  #takeSegment(piece: Buffer): Buffer {
    const bytes = Math.min(this.#bytesLeft, piece.length);
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft === 0) this.#place = this.#place === 'last' ? 'whole' : 'head';
    return piece.subarray(bytes);
  }

  /** The end is looked for in all of it: other segments may stand between the parts of a progressive picture. */
  #takeCompressed(piece: Buffer): Buffer {
    const [last] = this.#pending;
    if ((last === END[0] && piece[0] === END[1]) || piece.includes(END)) this.#place = 'whole';
    this.#pending = Buffer.from(piece.subarray(-1));
    return piece.subarray(piece.length);
  }
}
