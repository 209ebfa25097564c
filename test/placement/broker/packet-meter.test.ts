import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketMeter } from '../../../src/placement/broker/packet-meter.ts';

/** A packet of `length` bytes after its fixed header (MQTT 5, 1.5.5). */
function packet(length: number): Buffer {
  const digits: number[] = [];
  for (let rest = length; digits.length === 0 || rest > 0; rest = Math.floor(rest / 128)) {
    digits.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
  }
  return Buffer.concat([Buffer.from([0x30, ...digits]), Buffer.alloc(length, 0xff)]);
}

describe('the packet meter', () => {
  it('lets packets up to the bound through, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 })), fc.integer({ min: 1, max: 50 }), (lengths, cut) => {
        const meter = new PacketMeter(400);
        const stream = Buffer.concat(lengths.map(packet));
        for (let at = 0; at < stream.length; at += cut) expect(meter.feed(stream.subarray(at, at + cut))).toBeNull();
      }),
    );
  });

  it('names the length of the first packet beyond it as soon as its length is known', () => {
    const meter = new PacketMeter(400);
    expect(meter.feed(Buffer.concat([packet(400), packet(0)]))).toBeNull();
    expect(meter.feed(packet(401).subarray(0, 2))).toBeNull();
    expect(meter.feed(packet(401).subarray(2, 3))).toBe(401);
    expect(new PacketMeter(400).feed(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]))).toBe(268_435_455);
  });
});
