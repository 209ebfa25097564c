// The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B). It is canonical: codes of the same length follow one another in
// the order of their symbols, so that the lengths are the whole table.

/** Bits of the code of each byte, and of the end of a string, in their order. */
const LENGTHS = `13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28
6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6 5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10
13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6
15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28
20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23 24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24
22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23
26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27
20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23 26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26
30`
  .split(/\s/)
  .map(Number);
const BITS_MAX = 30;
/** The end of a string; only its first bits may come, as padding. */
const EOS = 256;
/** Codes of up to this many bits, those of nearly all text, are found in one look. */
const SHORT_BITS = 8;

/** Symbols in the order of their codes. */
const SYMBOLS = LENGTHS.map((_, symbol) => symbol).sort(
  (one, other) => (LENGTHS[one] ?? 0) - (LENGTHS[other] ?? 0) || one - other,
);
/** The first 32-bit number that begins with no code of this length or a shorter one, indexed by length. */
const LIMITS = new Float64Array(BITS_MAX + 1);
/** What leads from a code to its place in `SYMBOLS`, indexed by length. */
const OFFSETS = new Float64Array(BITS_MAX + 1);
/** The symbol, and above it the length of its code, indexed by the first eight bits; 0 where a code is longer. */
const SHORT = new Uint16Array(1 << SHORT_BITS);

/** Text as it is decoded; most is shorter. */
const SCRATCH = Buffer.allocUnsafeSlow(4096);
const BITS_MIN = 5;

/** RFC 7541 section 5.2; null for what is no code. */
export function decodeHuffman(bytes: Buffer, from: number, to: number): string | null {
  const endBit = (to - from) * 8;
  const charsMax = Math.floor(endBit / BITS_MIN);
  const text = charsMax <= SCRATCH.length ? SCRATCH : Buffer.allocUnsafeSlow(charsMax);
  let chars = 0;
  for (let bit = 0; bit < endBit; ) {
    const window = bitsAt(bytes, from + (bit >>> 3), bit & 7);
    const short = SHORT[window >>> (32 - SHORT_BITS)] ?? 0;
    const length = short === 0 ? longLength(window) : short >>> 8;
    if (bit + length > endBit || length > BITS_MAX) {
      return isPadding(window, endBit - bit) ? text.toString('latin1', 0, chars) : null;
    }
    const symbol = short === 0 ? longSymbol(window, length) : short & 255;
    if (symbol === EOS) return null;
    text[chars++] = symbol;
    bit += length;
  }
  return text.toString('latin1', 0, chars);
}

/** 32 bits, of which those beyond `bytes` are 1. */
function bitsAt(bytes: Buffer, at: number, shift: number): number {
  const four =
    ((bytes[at] ?? 255) << 24) |
    ((bytes[at + 1] ?? 255) << 16) |
    ((bytes[at + 2] ?? 255) << 8) |
    (bytes[at + 3] ?? 255);
  return shift === 0 ? four >>> 0 : ((four << shift) | ((bytes[at + 4] ?? 255) >>> (8 - shift))) >>> 0;
}

/** Less than a byte, and the first bits of the end of a string. */
function isPadding(window: number, bits: number): boolean {
  return bits < 8 && window >>> (32 - bits) === (1 << bits) - 1;
}

function longLength(window: number): number {
  let length = SHORT_BITS + 1;
  while (length <= BITS_MAX && window >= (LIMITS[length] ?? 0)) length++;
  return length;
}

function longSymbol(window: number, length: number): number {
  return SYMBOLS[(window >>> (32 - length)) + (OFFSETS[length] ?? 0)] ?? EOS;
}

function fillTables(): void {
  let code = 0;
  let place = 0;
  for (let length = 1; length <= BITS_MAX; length++) {
    code *= 2;
    OFFSETS[length] = place - code;
    while (place < SYMBOLS.length && LENGTHS[SYMBOLS[place] ?? 0] === length) {
      const shift = SHORT_BITS - length;
      if (shift >= 0) SHORT.fill((length << 8) | (SYMBOLS[place] ?? 0), code << shift, (code + 1) << shift);
      code++;
      place++;
    }
    LIMITS[length] = code * 2 ** (32 - length);
  }
}
fillTables();
